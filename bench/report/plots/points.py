"""Points: what plots and the page show of each row of a table, as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ser_unlearn.report.columns import COLUMNS, FLOPS, LASTING, Column, is_instant, runs
from ser_unlearn.report.lines import Line, by_table
from ser_unlearn.report.sentences import nearest
from ser_unlearn.report.sheets import Sheet

Point = dict[str, Any]

GAP = 0.06

SHOWN = tuple(dict.fromkeys((*COLUMNS, FLOPS, *LASTING)))


def points(sheet: Sheet) -> list[Point]:
    """Of each row of a table, the first in front: what it is, its marks, and its means.

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
            "instant": is_instant(line),
        }
        for column in SHOWN:
            point |= _numbers(column, line)
        point |= {
            name: point.get(f"{first.metric}{end}")
            for name, end in (("value", ""), ("low", "_low"), ("high", "_high"))
        }
        found.append(point)
    for label, place in _label_places(sheet).items():
        next(point for point in found if point["label"] == label)["label_at"] = place
    return sorted(found, key=lambda point: (point["value"] is None, point["value"]))


def _label_places(sheet: Sheet) -> dict[str, float]:
    """Where to write the labels of the nearest row of each need: at its value, or just above.

    Labels keep a distance of `GAP` of the range of all values.
    """
    found = sheet.standings
    if found is None:
        return {}
    log = found.discipline.kind == "factor"
    means = found.contest.means()
    span = max(means.values()) - min(means.values())
    named = {line.label for each in sheet.rows if (line := nearest(found, each.needs)) is not None}
    places: dict[str, float] = {}
    above = -math.inf
    for label in sorted(named, key=lambda each: (means[each], each)):
        above = max(means[label], above + GAP * span)
        places[label] = rounded(math.exp(above) if log else above)
    return places


def needs_of(rows: Iterable[Line]) -> list[str]:
    """The data that rows need, what needs nothing in front: each has a colour."""
    found = {line.needs for line in rows} | {()}
    return [", ".join(each) or "nothing" for each in sorted(found, key=lambda n: (len(n), n))]


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
        labels: of the rows to show, in their order.
    """
    place = {label: number for number, label in enumerate(labels)}
    found = []
    for (corpus, _, scenario), lines in by_table(rows).items():
        for line in lines:
            mean = line.mean(column.metric, column.kind)
            if mean is not None and line.label in place:
                table = f"{corpus} {scenario}"
                found.append(
                    {"label": line.label, "table": table, "value": rounded(mean * column.scale)}
                )
    return sorted(found, key=lambda cell: place[cell["label"]])


def groups(sheet: Sheet) -> list[Point]:
    """Bars over rows beside each other that cannot be told apart, each in a lane of its own."""
    if sheet.standings is None:
        return []
    alike = sheet.standings.alike()
    return [
        {"label": group[0], "last": group[-1], "lane": lane, "size": len(group)}
        for lane, group in enumerate(alike)
    ]


def rounded(value: float) -> float:
    """A number to six digits: the page rounds once more, and with very many it is small."""
    return float(f"{value:.6g}")


def _numbers(column: Column, line: Line) -> Point:
    name = column.metric
    found = column.interval(line)
    if found is None:
        return {name: None}
    numbers: Point = {name: rounded(found.mean)}
    if column.spread:
        ends = {f"{name}_low": found.low, f"{name}_high": found.high}
        numbers |= {end: rounded(value) for end, value in ends.items() if value is not None}
    return numbers
