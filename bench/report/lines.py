"""Rows of tables: what the records of one method say, of one table or of several."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ser_unlearn.report.comparison import Run, estimate
from ser_unlearn.report.intervals import Interval, Kind, interval
from ser_unlearn.report.outcomes import Outcome, outcome_of
from ser_unlearn.report.text import Escape
from ser_unlearn.results.meanings import ROUNDING
from ser_unlearn.results.names import shown
from ser_unlearn.results.records import Record, Tuned

Table = tuple[str, str, str]
"""Corpus, recipe, scenario."""

SMALLEST = 1e-9
"""A factor below it counts as it: it has a logarithm."""


ALIKE = 0.01
"""Of costs: batches of other seeds are cut from other utterances."""


@dataclass(frozen=True)
class Line:
    """One row: what the records of a method say."""

    label: str
    outcomes: tuple[Outcome, ...]
    """Of one table or of several."""

    @property
    def method(self) -> str:
        """The method of which it is a row."""
        return self.outcomes[0].method

    @property
    def reference(self) -> str:
        """The paper that the method comes from."""
        return self.outcomes[0].reference

    @property
    def needs(self) -> tuple[str, ...]:
        """The data needed."""
        return self.outcomes[0].needs

    @property
    def needed(self) -> str:
        """The same, as a table shows it."""
        return ", ".join(self.needs) or "nothing"

    @property
    def tuned(self) -> Tuned | None:
        """How the parameters were found; None for those that tuning did not find."""
        return self.outcomes[0].tuned

    @property
    def tables(self) -> list[Table]:
        """Where it stands."""
        return list(dict.fromkeys(outcome.run.table for outcome in self.outcomes))

    @property
    def failures(self) -> list[Outcome]:
        """The records that are not done."""
        return [outcome for outcome in self.outcomes if outcome.status != "done"]

    def all(self, metric: str) -> list[float]:
        """The metric of each record that has it."""
        return [outcome.metrics[metric] for outcome in self.outcomes if metric in outcome.metrics]

    def runs(self, metric: str, kind: Kind = "amount") -> dict[Run, float]:
        """The metric of each run, repeats averaged; of a factor, its logarithm."""
        found: dict[Run, list[float]] = {}
        for outcome in self.outcomes:
            if metric in outcome.metrics:
                value = outcome.metrics[metric]
                value = math.log(max(value, SMALLEST)) if kind == "factor" else value
                found.setdefault(outcome.run, []).append(value)
        return {run: math.fsum(values) / len(values) for run, values in found.items()}

    def mean(self, metric: str, kind: Kind = "amount") -> float | None:
        """The mean over tables of that over runs; None if no record has the metric."""
        found = self.interval(metric, kind)
        return None if found is None else found.mean

    def interval(self, metric: str, kind: Kind = "amount") -> Interval | None:
        """The same with its 95 % interval."""
        if (metric, kind) not in self._intervals:
            found = estimate(self.runs(metric, kind))
            self._intervals[metric, kind] = (
                None if found is None else interval(found, kind, self._counted(metric))
            )
        return self._intervals[metric, kind]

    def _counted(self, metric: str) -> int:
        """How many utterances a share is of: in the smallest set, where these differ."""
        of_test = metric == "test_accuracy"
        return min(each.test if of_test else each.forget for each in self.outcomes)

    @cached_property
    def _intervals(self) -> dict[tuple[str, Kind], Interval | None]:
        """Those that were asked for: several tables ask for the same."""
        return {}

    @property
    def told(self) -> tuple[int, int]:
        """In how many records an attack tells the model from retrained ones, of how many."""
        found = self.all("told_from_retrained")
        return sum(value == 1 for value in found), len(found)

    @property
    def is_control(self) -> bool:
        """Whether it takes no data, and so competes for nothing."""
        return not self.needs

    @property
    def is_unchanged(self) -> bool:
        """Whether it leaves the original as it was, rounding aside, in every record."""
        found = self.all("divergence_original")
        return bool(found) and max(found) < ROUNDING

    @property
    def is_original(self) -> bool:
        """Whether it is the original model itself."""
        return self.is_control and self.is_unchanged

    @property
    def is_retraining(self) -> bool:
        """Whether it is one more retrained model: from the retain set, at retraining's cost."""
        found = self.all("flops_ratio")
        same = all(math.isclose(ratio, 1, rel_tol=ALIKE) for ratio in found)
        return self.needs == ("retain",) and bool(found) and same


def lines(records: Iterable[Record]) -> list[Line]:
    """Gather records into rows, by corpus, recipe, scenario, data needed and name."""
    return gather(map(outcome_of, records))


def gather(outcomes: Iterable[Outcome]) -> list[Line]:
    """The same of what is left of records."""
    groups: dict[tuple[Table, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.run.table, outcome.label), []).append(outcome)
    found = [Line(label, tuple(group)) for (_, label), group in groups.items()]
    return sorted(found, key=_place)


def by_table(rows: Iterable[Line]) -> dict[Table, list[Line]]:
    """The rows of each table, in their order."""
    found: dict[Table, list[Line]] = {}
    for line in rows:
        found.setdefault(line.tables[0], []).append(line)
    return found


def over_tables(rows: Iterable[Line]) -> list[Line]:
    """The rows of several tables, as one row for each label."""
    found: dict[str, tuple[Outcome, ...]] = {}
    for line in rows:
        found[line.label] = found.get(line.label, ()) + line.outcomes
    return [Line(label, outcomes) for label, outcomes in found.items()]


def _place(line: Line) -> tuple[object, ...]:
    corpus, recipe, scenario = line.tables[0]
    return corpus, recipe, natural(scenario), len(line.needs), line.needs, line.label


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts "random:16" before "random:100"."""
    return tuple(
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)
    )


def notes(rows: Iterable[Line], escape: Escape = shown) -> list[str]:
    """A sentence for each row of which a record is not done."""
    return [
        escape(
            f"{line.label} on {line.outcomes[0].run.corpus}, {line.outcomes[0].run.scenario}: "
            f"{len(line.failures)} of {len(line.outcomes)} not done; "
            f"{line.failures[0].status}: {line.failures[0].reason}"
        )
        for line in rows
        if line.failures
    ]
