"""The tables of docs/forget-only.md, from records and the ablation beside this file.

    python results/forget-only/tables.py

prints them as Markdown: what is asked of methods that take the forget set alone, each demand met or
not as measured, and what each part of `least_change` does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from scipy.stats import gmean

from ser_unlearn import records

HERE = Path(__file__).parent

ROWS = ("least_change", "least_change-zero", "perturbation_distillation", "adversarial")
ANEW = "retrain"


@dataclass(frozen=True)
class Demand:
    """What the mean of a metric over runs is to be."""

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
    Demand("wiped out: forgotten", "forgetting_rate", 0.92, 0.92, at_least=True),
    Demand("wiped out: test accuracy lost, points", "test_accuracy_drop", 1.5, 3),
    Demand("wiped out: back after pruning", "pruned_return", 10, 10, beyond_retraining=True),
    Demand("wiped out: back after int8", "quantised_return", 10, 10, beyond_retraining=True),
    Demand("wiped out: steps to relearn", "relearn_steps", 0, 0, True, beyond_retraining=True),
    Demand("as if never heard: distance", "distance", 1.5, 2),
    Demand("as if never heard: told, share of runs", "told_from_retrained", 1 / 6, 1 / 6),
    Demand("both: price", "flops_ratio", 0.1, 0.3),
)


def main() -> None:
    """Print the tables."""
    for text in (demands(records("results")), ablation()):
        print(text, end="\n\n")


def demands(every: pd.DataFrame) -> str:
    """A line for each demand on each request, a column for each row of the tables."""
    lines = []
    for (corpus, scenario), table in every[every.status == "done"].groupby(["corpus", "scenario"]):
        means = table.groupby("method").mean(numeric_only=True)
        # Of ratios: twice as far and half as far are, in the mean, as far.
        means["distance"] = table.groupby("method")["distance"].agg(gmean)
        runs = table.groupby("method").size()
        for demand in DEMANDS:
            bound = demand.few if str(scenario).endswith(":16") else demand.many
            sign = "at least" if demand.at_least else "at most"
            line = {
                "request": f"{corpus} {scenario}",
                "asked": f"{demand.text}, {sign} {bound:.3g}",
            }
            for row in ROWS:
                if row not in means.index:
                    continue
                value = means.loc[row, demand.metric]
                if demand.beyond_retraining:
                    value -= means.loc[ANEW, demand.metric]
                met = value >= bound if demand.at_least else value <= bound
                line[row] = f"{value:.2f} {'met' if met else 'not met'} ({runs[row]} runs)"
            lines.append(line)
    return pd.DataFrame(lines).fillna("").to_markdown(index=False)


def ablation() -> str:
    """A line for each change of the method: means over requests."""
    runs = pd.DataFrame(json.loads((HERE / "ablation.json").read_text())["runs"])
    means = runs.groupby(["aim", "change"], sort=False).mean(numeric_only=True)
    return means.drop(columns="seed").round(2).reset_index().to_markdown(index=False)


if __name__ == "__main__":
    main()
