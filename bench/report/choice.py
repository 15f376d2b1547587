"""The choice of a method for the data that there is, from the records alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ser_unlearn.errors import UserError
from ser_unlearn.report.outcomes import outcome_of
from ser_unlearn.report.parts import parts
from ser_unlearn.report.sentences import first_of
from ser_unlearn.report.standings import LIKE_ORIGINAL, UNHEARD, UNTESTED, WIPED_OUT, standings
from ser_unlearn.results.records import read_records

BEARABLE = {LIKE_ORIGINAL, UNTESTED}
"""What a row may be marked with and be chosen all the same: it says how little the runs show."""


@dataclass(frozen=True)
class Choice:
    """A row of the leaderboard."""

    label: str
    aim: str
    """The discipline in which it was found."""
    needs: tuple[str, ...]
    marks: tuple[str, ...]
    """What stands beside it there that bars it from being the first of all."""
    tables: int
    """Over how many tables that is."""

    @property
    def reason(self) -> str:
        """Why it was chosen, in a sentence."""
        does = {
            UNHEARD.name: "comes nearest to retraining",
            WIPED_OUT.name: "loses the least test accuracy of what wipes out",
        }[self.aim]
        marked = f", marked *{', '.join(self.marks)}*" if self.marks else ""
        tables = "1 table" if self.tables == 1 else f"{self.tables} tables"
        return (
            f"{self.label} needs {', '.join(self.needs)}, and of what needs no more it {does} on "
            f"the leaderboard, over {tables}{marked}."
        )


def best(results: Path, have: Collection[str], known: Collection[str]) -> Choice:
    """The row that the leaderboard's first screen would name for some data.

    That is the first as if never heard, or what comes nearest to it and is not told from retraining
    by attacks; where there is none, what wipes out at the least loss.

    Args:
        results: the results folder.
        have: the data that there is.
        known: rows that can be run.

    Raises:
        UserError: if the leaderboard has none.
    """
    found = parts(map(outcome_of, read_records(results)))
    overall = found[0].overall if found else []
    tables = len({table for line in overall for table in line.tables})
    for discipline, borne in ((UNHEARD, BEARABLE), (WIPED_OUT, set())):
        ranking = standings(overall, discipline)
        if ranking is None:
            continue
        usable = [
            line for line in ranking.competitors if line.label in known and {*line.needs} <= {*have}
        ]
        line = first_of(ranking, usable)
        marks = tuple(ranking.bars[line.label]) if line else ()
        if line is not None and borne >= set(marks):
            return Choice(line.label, discipline.name, line.needs, marks, tables)
    raise UserError(
        f"The records in {results} rank no method that needs only {', '.join(sorted(have))}. "
        "Name one: --method NAME. 'ser-unlearn list methods' has them."
    )
