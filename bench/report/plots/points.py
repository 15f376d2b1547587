"""Points: what plots and the page show of each row of a table, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ser_unlearn.report.columns import COLUMNS, FLOPS, LASTING, Column, runs
from ser_unlearn.report.lines import Line, by_table
from ser_unlearn.report.sheets import Sheet

Point = dict[str, Any]

SHOWN = tuple(dict.fromkeys((*COLUMNS, FLOPS, *LASTING)))


def points(sheet: Sheet) -> list[Point]:
    """Of each row of a table, in its order: what it is, its marks, and its means with intervals.

    `value`, `low` and `high` are those of the table's first column, by which it is ranked.
    """
    first = sheet.columns[0]
    found = []
    for line in sheet.rows:
        told, known = line.told
        point: Point = {
            "label": line.label,
            "method": line.method,
            "needs": line.needed,
            "kind": kind_of(line),
            "ranked": bool(sheet.standings and line in sheet.standings.ranked),
            "marks": ", ".join(sheet.marks(line)),
            "why": sheet.standings.untold.get(line.label, "") if sheet.standings else "",
            "told": told,
            "known": known,
            "runs": runs(line),
        }
        for column in SHOWN:
            point |= _numbers(column, column.metric, line)
        point |= _numbers(first, "value", line)
        found.append(point)
    return found


def kind_of(line: Line) -> str:
    """What a row is: a method, the original, retraining, or another control."""
    if line.is_original:
        return "original"
    if line.is_retraining:
        return "retraining"
    return "control" if line.is_control else "method"


def cells(rows: Iterable[Line], column: Column, labels: Iterable[str]) -> list[Point]:
    """The mean of each row in each table.

    Args:
        rows: one for each label and table.
        column: what to show.
        labels: of the rows to show.
    """
    wanted = set(labels)
    found = []
    for (corpus, _, scenario), lines in by_table(rows).items():
        for line in lines:
            mean = line.mean(column.metric, column.kind)
            if mean is not None and line.label in wanted:
                table = f"{corpus} {scenario}"
                found.append(
                    {"label": line.label, "table": table, "value": rounded(mean * column.scale)}
                )
    return found


def groups(sheet: Sheet) -> list[Point]:
    """Bars over rows beside each other that cannot be told apart, each in a lane of its own."""
    if sheet.standings is None:
        return []
    alike = sheet.standings.alike()
    return [
        {"label": group[0], "last": group[-1], "lane": lane, "size": len(group)}
        for lane, group in enumerate(alike)
    ]


def rounded(value: float | None) -> float | None:
    """A number to four digits: more is noise, and a page with very many is small."""
    return None if value is None else float(f"{value:.4g}")


def _numbers(column: Column, name: str, line: Line) -> Point:
    found = column.interval(line)
    if found is None:
        return {name: None}
    numbers: Point = {name: rounded(found.mean)}
    if column.spread:
        numbers |= {f"{name}_low": rounded(found.low), f"{name}_high": rounded(found.high)}
    return numbers
