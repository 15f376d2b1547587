"""The standardised table: methods as rows, mean and 95 % interval over seeds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ser_unlearn.report.intervals import Interval
from ser_unlearn.report.lines import BEST, EQUAL, UNTESTED, Line, lines, marks, notes, yardstick
from ser_unlearn.report.text import Escape, latex, markdown
from ser_unlearn.results.names import shown
from ser_unlearn.results.records import Record

Format = Literal["terminal", "github", "latex", "csv", "json"]

ESCAPES: dict[Format, Escape] = {"terminal": shown, "github": markdown, "latex": latex}
"""How text of records stands in each format."""

CELLS: dict[Format, Escape] = {**ESCAPES, "latex": shown}
"""The same in tables and headings: `tabulate` escapes for LaTeX itself, and there a heading is a
comment."""


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

DISTANCE = Column("distance", "distance", 1, 2)
"""Beside the others where references were trained."""

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


LEGEND = (
    f"{BEST} nearest to retraining among those that need the same data; {EQUAL} cannot be told "
    f"from it; {UNTESTED} too few runs to say. ± half a 95 % interval."
)


def cells(line: Line, columns: Sequence[Column]) -> list[str]:
    """Means with half the widths of their intervals, as a table shows them."""
    found = line.estimates([column.metric for column in columns])
    return [_cell(line, column, each) for column, each in zip(columns, found, strict=True)]


def _cell(line: Line, column: Column, found: Interval | None) -> str:
    if found is None:
        return "–"
    if column.metric == "strongest_auc" and line.told[1] == 0:
        return "cannot tell"
    text = f"{found.mean * column.scale:.{column.digits}f}"
    if found.low is not None and found.high is not None:
        text += f" ± {(found.high - found.low) / 2 * column.scale:.{column.digits}f}"
    return text


def render(records: Iterable[Record], style: Format) -> str:
    """The standardised table.

    Args:
        records: whose results to show.
        style: "terminal", "github" and "latex" show means with intervals; "csv" and "json" hold
            every metric of every record.
    """
    if style in ("csv", "json"):
        return _as_csv(records) if style == "csv" else _as_json(records)
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
    return "\n\n".join([*parts, *legend, *notes(rows, ESCAPES[style])])


def columns_of(rows: Iterable[Line]) -> tuple[Column, ...]:
    """The columns of a table: `COLUMNS`, and the distance where it was measured."""
    measured = any(line.cells("distance") for line in rows)
    return (*COLUMNS, DISTANCE) if measured else COLUMNS


def has_lasting(rows: Iterable[Line]) -> bool:
    """Whether durability was measured, so that there is a second table to show."""
    return any(line.cells("relearn_steps") for line in rows)


def _table(key: tuple[str, str, str], rows: list[Line], style: Format) -> str:
    found = {
        label: mark
        for group in dict.fromkeys((line.needs, line.tuned) for line in rows)
        for label, mark in marks(
            [line for line in rows if (line.needs, line.tuned) == group]
        ).items()
    }
    columns = columns_of(rows)
    return _titled(
        "{}, recipe {}, scenario {}".format(*key),
        [table_row(line, columns, found.get(line.label, ""), CELLS[style]) for line in rows],
        ["method", "needs", *(column.title for column in columns), *COUNTS],
        style,
    )


def _second_table(key: tuple[str, str, str], rows: list[Line], style: Format) -> str:
    return _titled(
        "{}, recipe {}, scenario {}: who bears the loss, and what lasts".format(*key),
        [lasting_row(line, CELLS[style]) for line in rows],
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
    title = CELLS[style](title)
    heading = {"terminal": title, "github": f"### {title}", "latex": f"% {title}"}[style]
    if style == "latex":
        text = text.replace("±", r"$\pm$").replace("–", "--")
    return f"{heading}\n\n{text}" if style == "github" else f"{heading}\n{text}"


def table_row(
    line: Line, columns: Sequence[Column], mark: str = "", escape: Escape = shown
) -> list[str]:
    """A row's cells: label, data needed, a cell for each column, then for each of `COUNTS`.

    Args:
        line: the row.
        columns: such as `columns_of` gives.
        mark: stands beside the label.
        escape: makes text of a record fit for the format.
    """
    done = len(line.outcomes) - len(line.failures)
    runs = str(done) if not line.failures else f"{done} of {len(line.outcomes)}"
    name = f"{escape(line.label)} {mark}".strip()
    found = cells(line, columns)
    return [name, escape(line.needed), *found, within_of([line]), _count(*line.told), runs]


def within_of(rows: Iterable[Line]) -> str:
    """In how many records of some rows the gap is within retraining's own, as a table shows it."""
    found = [line.within for line in rows]
    return _count(*(sum(numbers) for numbers in zip(*found, strict=True)))


def _count(count: int, known: int) -> str:
    return f"{count} of {known}" if known else "–"


def lasting_row(line: Line, escape: Escape = shown) -> list[str]:
    """A row's cells in the second table: label, data needed, a cell for each of `LASTING`."""
    return [escape(line.label), escape(line.needed), *cells(line, LASTING)]


def flat(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Every record as a row: what it is, its status, and each metric in a column."""
    rows: list[dict[str, Any]] = [
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
    columns = dict.fromkeys(column for row in rows for column in row)
    return [{column: row.get(column) for column in columns} for row in rows]


def _as_csv(records: Iterable[Record]) -> str:
    rows = flat(records)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0] if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().rstrip("\n")


def _as_json(records: Iterable[Record]) -> str:
    # Not by pandas, which rounds.
    return json.dumps(flat(records), indent=2, allow_nan=False)
