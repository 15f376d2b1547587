"""The tables of docs/forget-only.md, from records and the ablation beside this file.

    python results/forget-only/tables.py

prints them as Markdown: what is asked of methods that take the forget set alone, each demand met or
not as measured; what each part of `least_change` does; and what it costs to wipe out what any model
knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from scipy.stats import gmean

from ser_unlearn import records
from ser_unlearn.results.meanings import WIPED_OUT

HERE = Path(__file__).parent
ABLATION = HERE / "ablation.json"
FAMILIARITY = HERE / "familiarity.json"

UNHEARD, WIPED, BOTH = "as if never heard", "wiped out", "both"

METHODS = {
    "least_change": {UNHEARD: "least_change", WIPED: "least_change-zero"},
    "perturbation_distillation": {
        UNHEARD: "perturbation_distillation-unseen",
        WIPED: "perturbation_distillation",
    },
    "adversarial": {UNHEARD: "adversarial-unseen", WIPED: "adversarial"},
    "adversarial-copies": {UNHEARD: "adversarial-copies-unseen", WIPED: "adversarial-copies"},
}
"""The row of each method that has an aim."""

AIMS = {"unseen": UNHEARD, "zero": WIPED}
"""What the ablation calls an aim, and what the tables do."""

AS_IT_IS, LOSS, REQUEST = "as it is", "test accuracy lost", ["corpus", "scenario", "seed"]
"""The ablation's words."""

NAMES = {
    "forgotten": "forgotten, %",
    LOSS: "test accuracy lost, points",
    "back after pruning": "back after pruning, points",
    "back after int8": "back after int8, points",
}
"""Of the ablation's columns, with their units."""

DIGITS = {"distance": 2, "price": 2}
"""Of the ablation's means, where it is not 1."""

ANEW, NOTHING = "retrain", "original"

ROUNDING = 1e-9
"""Means of shares are not exact."""


@dataclass(frozen=True)
class Demand:
    """What the mean of a metric over runs is to be."""

    aim: str
    text: str
    metric: str
    few: float
    """The bound where 16 utterances are to be forgotten."""
    many: float
    """The bound where it is more."""
    at_least: bool = False
    beyond_retraining: bool = False
    """Whether the metric counts from what retraining shows."""


DEMANDS = (
    Demand(WIPED, "forgotten", "forgetting_rate", WIPED_OUT, WIPED_OUT, at_least=True),
    Demand(WIPED, "test accuracy lost, points", "test_accuracy_drop", 1.5, 3),
    Demand(
        WIPED,
        "back after pruning, beyond retraining",
        "pruned_return",
        10,
        10,
        beyond_retraining=True,
    ),
    Demand(
        WIPED,
        "back after int8, beyond retraining",
        "quantised_return",
        10,
        10,
        beyond_retraining=True,
    ),
    Demand(
        WIPED,
        "steps to relearn beyond retraining",
        "relearn_steps",
        0,
        0,
        True,
        beyond_retraining=True,
    ),
    Demand(UNHEARD, "distance", "distance", 1.5, 2),
    Demand(UNHEARD, "told, share of runs", "told_from_retrained", 1 / 6, 1 / 6),
    Demand(BOTH, "price, the dearer", "flops_ratio", 0.1, 0.3),
)


def main() -> None:
    """Print the tables."""
    print(demands())
    print("\n" + ablation())
    print("\n" + familiarity())


def demands() -> str:
    """For each method a line for each demand, and a column for each request."""
    every = records(HERE.parent)
    every = every[every.status == "done"]
    parts = [f"`{method}`:\n\n{_demands(every, rows)}" for method, rows in METHODS.items()]
    tables = ["corpus", "scenario"]
    nothing = every[every.method == NOTHING].groupby(tables)["distance"].agg(gmean)
    anew = every[every.method == ANEW].groupby(tables)["test_accuracy_drop"].mean()
    beside = [
        f"The distance of the original, which forgets nothing: {_each(nothing)}.",
        f"The points of test accuracy that retraining itself loses: {_each(anew)}.",
    ]
    return "\n\n".join([*parts, *beside])


def _each(values: pd.Series) -> str:
    return ", ".join(f"{value:.2f} on {' '.join(table)}" for table, value in values.items())


def _demands(every: pd.DataFrame, rows: dict[str, str]) -> str:
    lines = [{"aim": demand.aim, "asked": _asked(demand)} for demand in DEMANDS]
    for (corpus, scenario), table in every.groupby(["corpus", "scenario"]):
        grouped = table.groupby("method")
        means = grouped.mean(numeric_only=True)
        # Of ratios: twice as far and half as far are, in the mean, as far.
        means["distance"] = grouped["distance"].agg(gmean)
        if not {ANEW, *rows.values()} <= set(means.index):
            continue
        runs = min(grouped.size()[each] for each in rows.values())
        for line, demand in zip(lines, DEMANDS, strict=True):
            asked_of = rows.values() if demand.aim == BOTH else [rows[demand.aim]]
            value = max(means.loc[row, demand.metric] for row in asked_of)
            if demand.beyond_retraining:
                value -= means.loc[ANEW, demand.metric]
            bound = demand.few if str(scenario).endswith(":16") else demand.many
            short = bound - value if demand.at_least else value - bound
            met = short <= ROUNDING
            name = f"{corpus} {scenario} ({runs} runs)"
            line[name] = f"{value:z.2f}: {'met' if met else '**not met**'}"
    return str(pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True))


def _asked(demand: Demand) -> str:
    bounds = " / ".join(f"{each:.3g}" for each in dict.fromkeys((demand.few, demand.many)))
    return f"{demand.text}, at {'least' if demand.at_least else 'most'} {bounds}"


def ablation() -> str:
    """A line for each change of the method: means over requests.

    The loss stands beside what it is more than that of the method as it is, with the standard
    error of the mean of these differences.
    """
    runs = pd.DataFrame(json.loads(ABLATION.read_text())["runs"])
    runs["forgotten"] *= 100
    grouped = runs.groupby(["aim", "change"], sort=False)
    means = grouped.mean(numeric_only=True).drop(columns="seed")
    # As in `demands`.
    means["distance"] = grouped["distance"].agg(gmean)
    shown = means.apply(
        lambda column: column.map(f"{{:z.{DIGITS.get(str(column.name), 1)}f}}".format)
    )
    for (aim, change), own in grouped:
        if change == AS_IT_IS:
            usual = own.set_index(REQUEST)[LOSS]
            continue
        more = own.set_index(REQUEST)[LOSS] - usual
        shown.loc[(aim, change), LOSS] += f" ({more.mean():+z.1f} ± {more.sem():.1f})"
    shown = shown.rename(AIMS, level="aim").rename(columns=NAMES).reset_index()
    return str(shown.to_markdown(index=False, disable_numparse=True))


def familiarity() -> str:
    """A line for each request, and a column for the loss of each method: means over runs."""
    runs = pd.DataFrame(json.loads(FAMILIARITY.read_text())["runs"])
    request = ["corpus", "scenario"]
    known = 100 * runs.groupby(request)["known to retrained models"].mean()
    lost = runs.groupby([*request, "method"], sort=False)[LOSS]
    cells = lost.mean().map("{:.1f}".format) + " ± " + lost.sem().map("{:.1f}".format)
    table = cells.unstack(sort=False)
    table.insert(0, "retrained models get right, %", known.map("{:.0f}".format))
    table = table.reset_index().rename(columns={"scenario": "forget set"})
    return str(table.to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    main()
