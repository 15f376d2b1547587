"""The standardised table: methods as rows, mean and 95 % interval over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.records import Record, Tuned

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
    Column("runtime_s", "runtime s", 1, 1),
    Column("speedup", "speed-up", 1, 1),
    Column("flops_ratio", "FLOPs ratio", 1, 3),
    Column("gap_to_retrain", "gap to retrain", 1, 1),
)


@dataclass(frozen=True)
class Estimate:
    """A mean over records, with half the width of its 95 % interval (None for one record)."""

    mean: float
    half_width: float | None
    count: int


def estimate(values: Sequence[float]) -> Estimate | None:
    """Mean and 95 % interval by Student's t over independent values; None for no value."""
    # Not scipy.stats: it takes a second to import.
    from scipy.special import stdtrit

    count = len(values)
    if count == 0:
        return None
    mean = math.fsum(values) / count
    if count == 1:
        return Estimate(mean, None, 1)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return Estimate(mean, float(stdtrit(count - 1, 0.975)) * math.sqrt(variance / count), count)


@dataclass(frozen=True)
class Line:
    """One row of a table: what the records of a method on a corpus, recipe and scenario say."""

    corpus: str
    recipe: str
    scenario: str
    label: str
    needs: tuple[str, ...]
    records: tuple[Record, ...]

    def estimate(self, metric: str) -> Estimate | None:
        """The metric over the records that have it."""
        values = [record.metrics.get(metric) for record in self.records if record.status == "done"]
        return estimate([value for value in values if value is not None])

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
    found = [Line(*key, tuple(group[0].needs), tuple(group)) for key, group in groups.items()]
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


def cell(found: Estimate | None, column: Column) -> str:
    """A mean with its interval, as a table shows it."""
    if found is None:
        return "–"
    text = f"{found.mean * column.scale:.{column.digits}f}"
    if found.half_width is not None:
        text += f" ± {found.half_width * column.scale:.{column.digits}f}"
    return text


def notes(rows: Iterable[Line]) -> list[str]:
    """A sentence for each row of which a record is not done."""
    return [
        f"{line.label} on {line.corpus}, {line.scenario}: {len(line.failures)} of "
        f"{len(line.records)} not done; {line.failures[0].status}: {line.failures[0].reason}"
        for line in rows
        if line.failures
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
    return "\n\n".join([*parts, *notes(rows)])


def _table(key: tuple[str, str, str], rows: list[Line], style: Format) -> str:
    from tabulate import tabulate

    title = "{}, recipe {}, scenario {}".format(*key)
    table_format = {"terminal": "simple", "github": "github", "latex": "latex_booktabs"}[style]
    # A terminal is narrow: its headers break where a column's title has two words.
    headers = [
        column.title.replace(" ", "\n", 1) if style == "terminal" else column.title
        for column in COLUMNS
    ]
    text = tabulate(
        [table_row(line) for line in rows],
        headers=["method", "needs", *headers, "runs"],
        tablefmt=table_format,
        disable_numparse=True,
        colalign=("left", "left", *("right" for _ in COLUMNS), "right"),
    )
    heading = {"terminal": title, "github": f"### {title}", "latex": f"% {title}"}[style]
    if style == "latex":
        text = text.replace("±", r"$\pm$").replace("–", "--")
    return f"{heading}\n\n{text}" if style == "github" else f"{heading}\n{text}"


def table_row(line: Line) -> list[str]:
    """A row's cells: label, data needed, a cell for each of `COLUMNS`, and how many records."""
    done = len(line.records) - len(line.failures)
    runs = str(done) if not line.failures else f"{done} of {len(line.records)}"
    cells = [cell(line.estimate(column.metric), column) for column in COLUMNS]
    return [line.label, ", ".join(line.needs) or "nothing", *cells, runs]


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
