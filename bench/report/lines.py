"""Rows of a table: what the records of one method on one corpus, recipe and scenario say."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ser_unlearn.report.comparison import Cell, best_of
from ser_unlearn.report.intervals import Interval, bootstrap_means, mean
from ser_unlearn.report.outcomes import Outcome, outcome_of
from ser_unlearn.report.retraining import gaps_of_retraining
from ser_unlearn.report.text import Escape
from ser_unlearn.results.names import shown
from ser_unlearn.results.records import Record, Tuned

BEST, EQUAL, UNTESTED = "*", "=", "?"
"""The method of a group that is nearest to retraining; one that cannot be told from it; and one
of which too little is known to say."""


@dataclass(frozen=True)
class Line:
    """One row of a table: what the records of a method on a corpus, recipe and scenario say."""

    corpus: str
    recipe: str
    scenario: str
    label: str
    needs: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    retrainings: Mapping[Cell, Sequence[float]]
    """What `gaps_of_retraining` found in all rows, of this table and of others."""

    def mean(self, metric: str) -> float | None:
        """The metric over the records that have it; None if none has."""
        found = self.cells(metric)
        return mean(found.values()) if found else None

    def estimates(self, metrics: Sequence[str]) -> list[Interval | None]:
        """The same of several metrics, with intervals."""
        return bootstrap_means(
            [{(*cell[3:],): value for cell, value in self.cells(each).items()} for each in metrics]
        )

    def cells(self, metric: str) -> dict[Cell, float]:
        """The metric of each record that has it, by what a comparison pairs."""
        return {
            outcome.cell: outcome.metrics[metric]
            for outcome in self.outcomes
            if metric in outcome.metrics
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
        return self.outcomes[0].tuned

    @property
    def failures(self) -> list[Outcome]:
        """The records that are not done."""
        return [outcome for outcome in self.outcomes if outcome.status != "done"]


def lines(records: Iterable[Record]) -> list[Line]:
    """Gather records into rows, by corpus, recipe, scenario, data needed and name."""
    groups: dict[tuple[str, str, str, str], list[Outcome]] = {}
    for record in records:
        key = (record.corpus, record.recipe, record.scenario, record.label)
        groups.setdefault(key, []).append(outcome_of(record))
    retrainings: dict[Cell, list[float]] = {}
    for group in groups.values():
        retrainings.update(gaps_of_retraining(group))
    found = [Line(*key, group[0].needs, tuple(group), retrainings) for key, group in groups.items()]
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
    return tuple(
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)
    )


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


def notes(rows: Iterable[Line], escape: Escape = shown) -> list[str]:
    """A sentence for each row of which a record is not done."""
    return [
        escape(
            f"{line.label} on {line.corpus}, {line.scenario}: {len(line.failures)} of "
            f"{len(line.outcomes)} not done; {line.failures[0].status}: {line.failures[0].reason}"
        )
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
