"""The choice of a method for the data that there is, from the records alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ser_unlearn.errors import UserError
from ser_unlearn.report.lines import lines, over_tables
from ser_unlearn.report.standings import DISCIPLINES, standings
from ser_unlearn.results.records import read_records


@dataclass(frozen=True)
class Choice:
    """A row of the leaderboard."""

    label: str
    aim: str
    """The discipline in which it is the first that can be used."""
    needs: tuple[str, ...]
    tables: int
    """Over how many tables that is."""

    @property
    def reason(self) -> str:
        """Why it was chosen, in a sentence."""
        return (
            f"{self.label} needs {', '.join(self.needs)}, and of what needs no more it is the "
            f'first on the leaderboard by the aim "{self.aim}", over {self.tables} tables.'
        )


def best(results: Path, have: Collection[str], known: Collection[str]) -> Choice:
    """The first row over all tables that needs no other data: as if never heard, or wiped out.

    Args:
        results: the results folder.
        have: the data that there is.
        known: rows that can be run.

    Raises:
        UserError: if the leaderboard has none.
    """
    found = lines(read_records(results))
    for discipline in DISCIPLINES:
        ranking = standings(over_tables(found), discipline)
        for line in ranking.ranked if ranking else ():
            if {*line.needs} <= {*have} and line.label in known:
                tables = len({table for each in found for table in each.tables})
                return Choice(line.label, discipline.name, line.needs, tables)
    raise UserError(
        f"The records in {results} rank no method that needs only {', '.join(sorted(have))}. "
        "Name one: --method NAME. 'ser-unlearn list methods' has them."
    )
