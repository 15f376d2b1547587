"""Parts of the report: what the suite `paper` asks for, and what was run beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ser_unlearn.data.scenarios import requests
from ser_unlearn.report.lines import Line, Table, gather, over_tables
from ser_unlearn.report.outcomes import Outcome
from ser_unlearn.runner.suite import Suite, load_suite

SUITE = "paper"
"""The suite that the project reports on."""


@dataclass(frozen=True)
class Part:
    """Records that are reported together."""

    title: str
    rows: list[Line]
    """One for each label and table."""
    own: bool
    """Whether a user's choice made them, and not the suite `SUITE`."""
    lacking: tuple[Table, ...] = ()
    """Tables that the suite asks for, and of which there is no record."""

    @property
    def overall(self) -> list[Line]:
        """The rows over all tables."""
        return over_tables(self.rows)


def parts(outcomes: Iterable[Outcome]) -> list[Part]:
    """Divide the records into those of the suite and all others, which change nothing there.

    The others are seen beside the original and the retrained model of the suite's tables. A part
    without records is left out.
    """
    suite = load_suite(SUITE)
    wanted = asked(suite)
    inside: list[Outcome] = []
    outside: list[Outcome] = []
    for outcome in outcomes:
        (inside if belongs(outcome, suite, wanted) else outside).append(outcome)
    tables = {outcome.run.table for outcome in outside}
    beside = [
        outcome
        for line in gather(inside)
        if line.is_control or line.is_retraining
        for outcome in line.outcomes
        if outcome.run.table in tables
    ]
    found = []
    if inside:
        there = {outcome.run.table for outcome in inside}
        lacking = tuple(table for table in wanted if table not in there)
        found.append(Part(f"The suite {SUITE}", gather(inside), own=False, lacking=lacking))
    if outside:
        found.append(Part(f"Beside the suite {SUITE}", gather([*beside, *outside]), own=True))
    return found


def asked(suite: Suite) -> list[Table]:
    """The tables that a suite asks for."""
    return [
        (corpus, recipe, request)
        for corpus in suite.corpora
        for recipe in suite.recipes
        for scenario in suite.scenarios_of(corpus)
        for request in requests(scenario)
    ]


def belongs(outcome: Outcome, suite: Suite, tables: Collection[Table]) -> bool:
    """Whether a record is one that a suite of all methods asks for: its defaults, its runs.

    What is done has to have the suite's references and attacks: distances, and who is told, hang on
    both.

    Args:
        outcome: the record.
        suite: the suite.
        tables: those that the suite asks for.
    """
    run = outcome.run
    return (
        run.table in tables
        and run.model == run.forget < suite.runs
        and outcome.repeat < suite.method_seeds
        and outcome.tuned is None
        and "[" not in outcome.label  # parameters that were changed
        and (
            outcome.status != "done"
            or (outcome.references, outcome.effort) == (suite.references, suite.attacks)
        )
    )
