"""The standardised table: methods as rows, mean and 95 % interval over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.comparison import Cell, best_of
from bench.intervals import Interval, bootstrap_mean
from bench.records import Record, Tuned
from bench.retraining import cell_of, gaps_of_retraining

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["terminal", "github", "latex", "csv", "json"]


@dataclass(frozen=True)
class Column:
    """A metric as the table shows it."""

    metric: str
    title: str
    scale: float
    digits: int


COLUMNS = (
    Column("forgetting_rate", "forgetting %", 100, 1),
    Column("test_accuracy", "test acc. %", 100, 1),
    Column("test_uar", "test UAR %", 100, 1),
    Column("mia_accuracy", "MIA %", 100, 1),
    Column("strongest_auc", "attack AUC %", 100, 1),
    Column("runtime_s", "runtime s", 1, 1),
    Column("speedup", "speed-up", 1, 1),
    Column("flops_ratio", "FLOPs ratio", 1, 3),
    Column("gap_to_retrain", "gap to retrain", 1, 1),
)

LASTING = (
    Column("worst_emotion_drop", "worst emotion", 1, 1),
    Column("worst_speaker_drop", "worst speaker", 1, 1),
    Column("worst_gender_drop", "worst gender", 1, 1),
    Column("forget_agreement", "agreement forget %", 100, 1),
    Column("test_agreement", "agreement test %", 100, 1),
    Column("quantised_return", "int8 return", 1, 1),
    Column("pruned_return", "pruned return", 1, 1),
    Column("relearn_steps", "relearn steps", 1, 1),
)
"""Of the second table: who bears the loss, how like retraining the model is utterance by utterance,
and what lasts."""

COUNTS = ("within", "told", "runs")
"""The last columns: in how many records the model is no further from the retrained one than models
retrained with other seeds are, of those with such models; in how many an attack tells it from the
retrained one, of those where it could; and how many records there are."""

BEST, EQUAL, UNTESTED = "*", "=", "?"
"""The method of a group that is nearest to retraining; one that cannot be told from it; and one
of which too little is known to say."""

LEGEND = (
    f"{BEST} nearest to retraining among those that need the same data; {EQUAL} cannot be told "
    f"from it; {UNTESTED} too few runs to say. ± half a 95 % interval."
)


@dataclass(frozen=True)
class Line:
    """One row of a table: what the records of a method on a corpus, recipe and scenario say."""

    corpus: str
    recipe: str
    scenario: str
    label: str
    needs: tuple[str, ...]
    records: tuple[Record, ...]
    retrainings: Mapping[Cell, Sequence[float]]
    """What `gaps_of_retraining` found in all rows, of this table and of others."""

    def estimate(self, metric: str) -> Interval | None:
        """The metric over the records that have it, with its interval."""
        return bootstrap_mean(
            {
                (record.seeds.model, record.seeds.forget, record.seeds.method): value
                for record in self.records
                if (value := record.metrics.get(metric)) is not None
            }
        )

    def cells(self, metric: str) -> dict[Cell, float]:
        """The metric of each record that has it, by what a comparison pairs."""
        return {
            cell_of(record): value
            for record in self.records
            if (value := record.metrics.get(metric)) is not None
        }

    @property
    def within(self) -> tuple[int, int]:
        """In how many records the gap is at most the largest of retraining's own, of how many."""
        gaps = self.cells("gap_to_retrain")
        shared = gaps.keys() & self.retrainings.keys()
        return sum(gaps[each] <= max(self.retrainings[each]) for each in shared), len(shared)

    @property
    def needed(self) -> str:
        """The data needed, as a table shows it."""
        return ", ".join(self.needs) or "nothing"

    @property
    def told(self) -> tuple[int, int]:
        """In how many records an attack tells the model from the retrained one, of how many."""
        found = self.cells("told_from_retrained").values()
        return sum(value == 1 for value in found), len(found)

    @property
    def tuned(self) -> Tuned | None:
        """How the parameters were found; None for those that tuning did not find."""
        return self.records[0].tuned

    @property
    def failures(self) -> list[Record]:
        """The records that are not done."""
        return [record for record in self.records if record.status != "done"]


def lines(records: Iterable[Record]) -> list[Line]:
    """Gather records into rows, by corpus, recipe, scenario, data needed and name."""
    groups: dict[tuple[str, str, str, str], list[Record]] = {}
    for record in records:
        key = (record.corpus, record.recipe, record.scenario, record.label)
        groups.setdefault(key, []).append(record)
    retrainings: dict[Cell, list[float]] = {}
    for group in groups.values():
        retrainings.update(gaps_of_retraining(group))
    found = [
        Line(*key, tuple(group[0].needs), tuple(group), retrainings)
        for key, group in groups.items()
    ]
    return sorted(
        found,
        key=lambda line: (
            line.corpus,
            line.recipe,
            natural(line.scenario),
            len(line.needs),
            line.needs,
            line.label,
        ),
    )


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts "random:16" before "random:100"."""
    import re

    return tuple(
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)
    )


def cell(line: Line, column: Column) -> str:
    """A mean with half the width of its interval, as a table shows it."""
    found = line.estimate(column.metric)
    if found is None:
        return "–"
    if column.metric == "strongest_auc" and line.told[1] == 0:
        return "cannot tell"
    text = f"{found.mean * column.scale:.{column.digits}f}"
    if found.low is not None and found.high is not None:
        text += f" ± {(found.high - found.low) / 2 * column.scale:.{column.digits}f}"
    return text


def marks(rows: Sequence[Line]) -> dict[str, str]:
    """A mark for the method of a group that is nearest to retraining, and for its equals.

    Args:
        rows: with the same needs and way of tuning, of one table or of several.

    Returns:
        By label: `BEST`; `EQUAL` for one that cannot be told from the best, `UNTESTED` for one
        that shares fewer runs with it than a claim needs, or nothing. The retrained model itself,
        at distance 0, is no rival; nor is a lone method; nor do controls compete.
    """
    if not all(line.needs for line in rows):
        return {}
    values: dict[str, dict[Cell, float]] = {}
    for line in rows:
        values.setdefault(line.label, {}).update(line.cells("gap_to_retrain"))
    rivals = {label: found for label, found in values.items() if any(found.values())}
    best = best_of(rivals, "lower") if len(rivals) > 1 else None
    if best is None or best.label is None:
        return {}
    found = {
        label: UNTESTED if rival.reason else EQUAL
        for label, rival in best.rivals.items()
        if not rival.is_clear
    }
    return {best.label: BEST, **found}


def notes(rows: Iterable[Line]) -> list[str]:
    """A sentence for each row of which a record is not done."""
    return [
        f"{line.label} on {line.corpus}, {line.scenario}: {len(line.failures)} of "
        f"{len(line.records)} not done; {line.failures[0].status}: {line.failures[0].reason}"
        for line in rows
        if line.failures
    ]


def yardstick(rows: Sequence[Line]) -> list[str]:
    """A sentence on how far retrained models of one table are from each other, if it is known."""
    here = {each for line in rows for each in line.cells("gap_to_retrain")}
    gaps = [gap for each in here for gap in rows[0].retrainings.get(each, ())]
    if not gaps:
        return []
    return [
        "Models retrained with other seeds are themselves "
        f"{statistics.fmean(gaps):.1f} points from the retrained model ({min(gaps):.1f} to "
        f"{max(gaps):.1f})."
    ]


def render(records: Iterable[Record], style: Format) -> str:
    """The standardised table.

    Args:
        records: whose results to show.
        style: "terminal", "github" and "latex" show means with intervals; "csv" and "json" hold
            every metric of every record.
    """
    if style in ("csv", "json"):
        frame = to_frame(records)
        if style == "csv":
            return frame.to_csv(index=False).rstrip("\n")
        return str(frame.to_json(orient="records", indent=2))
    rows = lines(records)
    parts = []
    for key in dict.fromkeys((line.corpus, line.recipe, line.scenario) for line in rows):
        chosen = [line for line in rows if (line.corpus, line.recipe, line.scenario) == key]
        parts.append(_table(key, chosen, style))
        if has_lasting(chosen):
            parts.append(_second_table(key, chosen, style))
        if style != "latex":
            parts.extend(yardstick(chosen))
    legend = [LEGEND] if style != "latex" else []
    return "\n\n".join([*parts, *legend, *notes(rows)])


def has_lasting(rows: Iterable[Line]) -> bool:
    """Whether durability was measured, so that there is a second table to show."""
    return any(line.estimate("relearn_steps") for line in rows)


def _table(key: tuple[str, str, str], rows: list[Line], style: Format) -> str:
    found = {
        label: mark
        for group in dict.fromkeys((line.needs, line.tuned) for line in rows)
        for label, mark in marks(
            [line for line in rows if (line.needs, line.tuned) == group]
        ).items()
    }
    return _titled(
        "{}, recipe {}, scenario {}".format(*key),
        [table_row(line, found.get(line.label, "")) for line in rows],
        ["method", "needs", *(column.title for column in COLUMNS), *COUNTS],
        style,
    )


def _second_table(key: tuple[str, str, str], rows: list[Line], style: Format) -> str:
    return _titled(
        "{}, recipe {}, scenario {}: who bears the loss, and what lasts".format(*key),
        [lasting_row(line) for line in rows],
        ["method", "needs", *(column.title for column in LASTING)],
        style,
    )


def _titled(title: str, rows: list[list[str]], headers: list[str], style: Format) -> str:
    from tabulate import tabulate

    table_format = {"terminal": "simple", "github": "github", "latex": "latex_booktabs"}[style]
    if style == "terminal":
        # A terminal is narrow: headers break where a column's title has two words.
        headers = [header.replace(" ", "\n", 1) for header in headers]
    text = tabulate(
        rows,
        headers=headers,
        tablefmt=table_format,
        disable_numparse=True,
        colalign=("left", "left", *("right" for _ in headers[2:])),
    )
    heading = {"terminal": title, "github": f"### {title}", "latex": f"% {title}"}[style]
    if style == "latex":
        text = text.replace("±", r"$\pm$").replace("–", "--")
    return f"{heading}\n\n{text}" if style == "github" else f"{heading}\n{text}"


def table_row(line: Line, mark: str = "") -> list[str]:
    """A row's cells: label, data needed, a cell for each of `COLUMNS`, then of `COUNTS`.

    Args:
        line: the row.
        mark: stands beside the label.
    """
    done = len(line.records) - len(line.failures)
    runs = str(done) if not line.failures else f"{done} of {len(line.records)}"
    cells = [cell(line, column) for column in COLUMNS]
    name = f"{line.label} {mark}".strip()
    return [name, line.needed, *cells, within_of([line]), _count(*line.told), runs]


def within_of(rows: Iterable[Line]) -> str:
    """In how many records of some rows the gap is within retraining's own, as a table shows it."""
    found = [line.within for line in rows]
    return _count(*(sum(numbers) for numbers in zip(*found, strict=True)))


def _count(count: int, known: int) -> str:
    return f"{count} of {known}" if known else "–"


def lasting_row(line: Line) -> list[str]:
    """A row's cells in the second table: label, data needed, a cell for each of `LASTING`."""
    return [line.label, line.needed, *(cell(line, column) for column in LASTING)]


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Every record as a row: what it is, its status, and each metric in a column."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "corpus": record.corpus,
                "recipe": record.recipe,
                "scenario": record.scenario,
                "method": record.label,
                "needs": " ".join(record.needs),
                "model_seed": record.seeds.model,
                "forget_seed": record.seeds.forget,
                "method_seed": record.seeds.method,
                "status": record.status,
                "reason": record.reason,
                **record.metrics,
                "commit": record.provenance.commit,
            }
            for record in records
        ]
    )
