"""Sheets: which rows and columns stand in a table, and who wins it, whatever the format."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ser_unlearn.report.columns import (
    LASTING,
    Column,
    columns_of,
    headers,
    lasting_row,
    table_row,
)
from ser_unlearn.report.lines import Line
from ser_unlearn.report.standings import (
    DIGITS,
    DISCIPLINES,
    UNHEARD,
    Standings,
    standings,
    ways_of_tuning,
)
from ser_unlearn.report.text import Escape


@dataclass(frozen=True)
class Sheet:
    """One table."""

    title: str
    rows: list[Line]
    columns: tuple[Column, ...]
    standings: Standings | None
    """Who wins it; None where nobody competes."""
    lasting: bool = False
    """Whether it is the table on what lasts, which ranks nobody."""

    def marks(self, line: Line) -> list[str]:
        """What stands beside a row's label."""
        return self.standings.marks(line) if self.standings else []

    @property
    def headers(self) -> list[str]:
        """Of all columns."""
        if self.lasting:
            return ["method", "needs", *(column.title for column in self.columns)]
        return headers(self.columns)

    def cells(self, escape: Escape) -> list[list[str]]:
        """Of all rows and columns.

        Args:
            escape: makes text of records fit for a cell.
        """
        if self.lasting:
            return [lasting_row(line, escape) for line in self.rows]
        return [
            table_row(line, self.columns, ", ".join(self.marks(line)), escape) for line in self.rows
        ]

    @property
    def alignment(self) -> list[str]:
        """Words stand on the left, numbers on the right."""
        return ["left" if each in ("method", "mark", "needs") else "right" for each in self.headers]


def sheets(rows: Sequence[Line]) -> list[Sheet]:
    """The tables of the disciplines, for each way of tuning.

    Args:
        rows: of one corpus, recipe and scenario, or of several (`over_tables`).
    """
    found = []
    for tuned in ways_of_tuning(rows):
        manner = f", tuned by {tuned.criterion} with {tuned.trials} trials each" if tuned else ""
        for discipline in DISCIPLINES:
            ranking = standings(rows, discipline, tuned)
            listed = list(ranking.rows) if ranking else []
            if discipline is UNHEARD:
                # The table of all methods, also of those that have failed.
                listed += [line for line in rows if line.tuned == tuned and line not in listed]
            if listed:
                title = f"{discipline.name}{manner}"
                found.append(Sheet(title, listed, columns_of(discipline), ranking))
    return found


def lasting_sheet(rows: Sequence[Line]) -> Sheet | None:
    """The last table; None where durability was not measured."""
    if not any(line.all("relearn_steps") for line in rows):
        return None
    return Sheet("who bears the loss, and what lasts", list(rows), LASTING, None, lasting=True)


def by_needs(rows: Iterable[Line], column: Column) -> dict[tuple[str, ...], list[Line]]:
    """Rows by the data that they need, the fewest in front; of each, the lowest in front."""
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in sorted(rows, key=lambda each: _rank(each, column)):
        found.setdefault(line.needs, []).append(line)
    return {needs: found[needs] for needs in sorted(found, key=lambda each: (len(each), each))}


def _rank(line: Line, column: Column) -> tuple[float, str]:
    mean = line.mean(column.metric, column.kind)
    return math.inf if mean is None else round(mean, DIGITS), line.label
