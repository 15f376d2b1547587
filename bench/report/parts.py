"""Parts of the report: what the suite `paper` asks for, and what was run beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ser_unlearn.data.scenarios import requests
from ser_unlearn.report.lines import Line, gather, over_tables
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
    inside: list[Outcome] = []
    outside: list[Outcome] = []
    for outcome in outcomes:
        (inside if belongs(outcome, suite) else outside).append(outcome)
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
        found.append(Part(f"The suite {SUITE}", gather(inside), own=False))
    if outside:
        found.append(Part(f"Beside the suite {SUITE}", gather([*beside, *outside]), own=True))
    return found


def belongs(outcome: Outcome, suite: Suite) -> bool:
    """Whether a record is one that a suite of all methods asks for: its defaults, its runs."""
    run = outcome.run
    return (
        run.corpus in suite.corpora
        and run.recipe in suite.recipes
        and run.scenario
        in (each for scenario in suite.scenarios_of(run.corpus) for each in requests(scenario))
        and run.model == run.forget < suite.runs
        and outcome.repeat < suite.method_seeds
        and outcome.tuned is None
        and "[" not in outcome.label  # parameters that were changed
    )
