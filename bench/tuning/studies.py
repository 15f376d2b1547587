"""Studies: one JSON file for each tuning of a method, with every trial that it took."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ser_unlearn.results.documents import Count, Document, Filed, Number
from ser_unlearn.results.names import Part, check_name, shown
from ser_unlearn.results.records import (
    TUNING,
    Provenance,
    Reason,
    Status,
    folder_of,
    read_filed,
    write_filed,
)
from ser_unlearn.tuning.criteria import CRITERIA
from ser_unlearn.tuning.space import Choice, Range, Value

Worth = Annotated[Number, Field(ge=0)]
"""A value of a criterion: 0 is the least."""

ROUNDING = 1e-9
"""Of a mean, relative: machines may round the last digit in other ways."""


class TuningSeeds(Document):
    """The seeds of a study."""

    sampler: Count
    """Draws the trials."""
    runs: list[Count] = Field(min_length=1)
    """Of the original model and of the forget set: each run has one of both."""
    method: Count


class Trial(Document):
    """One setting of the parameters, on every request of a study."""

    parameters: dict[str, Value]
    """All of the method's fields."""
    status: Status
    reason: Reason
    """Of the first request on which the method was not done."""
    values: list[Worth | None] = Field(min_length=1)
    """The criterion, in its unit, on each request: corpus by corpus, in it scenario by scenario, in
    it run by run. None from the first request on which the method was not done."""
    value: Worth | None
    """Their mean, as the criterion takes it; None if the trial is not done."""
    seconds: Number
    """That the method took on all requests; to its end, where it failed."""

    @model_validator(mode="after")
    def _agrees(self) -> Trial:
        done = self.status == "done"
        if done != (None not in self.values) or done != (self.value is not None):
            raise ValueError("a trial's status, values and mean do not agree")
        if done and self.reason:
            raise ValueError("a trial is done, and yet has a reason why not")
        return self


def mean_of(criterion: str, values: Sequence[float | None]) -> float | None:
    """The mean of a trial's values, as the criterion takes it; None if one is missing."""
    known = [value for value in values if value is not None]
    return CRITERIA[criterion].mean(known) if len(known) == len(values) else None


class Study(Filed):
    """The tuning of one row by one criterion on one recipe, over corpora and scenarios."""

    schema_version: Literal[2] = 2
    corpora: list[Part] = Field(min_length=1)
    cards: list[str]
    """Hash of the card of each corpus."""
    recipe: Part
    recipe_digest: str
    scenarios: list[Part] = Field(min_length=1)
    label: Part
    """The row of the tables that was tuned: a method, or a variant."""
    method: Part
    code: str
    """Hash of the method's code, whatever the defaults of its hyper-parameters."""
    criterion: Part
    """A name in `ser_unlearn.tuning.criteria`."""
    seeds: TuningSeeds
    timeout_s: float = Field(gt=0)
    """The seconds that the method may take on one request."""
    search_space: dict[str, Choice | Range]
    n_trials: int = Field(ge=1)
    trials: list[Trial]
    """In the order in which they were drawn; the first has the method's defaults."""
    best: int | None
    """The trial with the lowest value, the first of equals; None if no trial is done."""
    best_parameters: dict[str, Value] | None
    provenance: Provenance

    @model_validator(mode="after")
    def _agrees(self) -> Study:
        if self.criterion not in CRITERIA:
            raise ValueError(f"there is no criterion '{shown(self.criterion, 80)}'")
        if len(self.cards) != len(self.corpora):
            raise ValueError("it has not as many cards as corpora")
        if len(self.trials) != self.n_trials:
            raise ValueError(f"it has {len(self.trials)} trials and says {self.n_trials}")
        requests = len(self.corpora) * len(self.scenarios) * len(self.seeds.runs)
        if any(len(trial.values) != requests for trial in self.trials):
            raise ValueError(f"a trial has not as many values as there are requests: {requests}")
        if not all(self._has_its_mean(trial) for trial in self.trials):
            raise ValueError("a trial's values and mean do not agree")
        if any(self.search_space.keys() - trial.parameters.keys() for trial in self.trials):
            raise ValueError("a trial lacks a parameter of the search space")
        best = best_of(self.trials)
        if self.best != best or self.best_parameters != (
            None if best is None else self.trials[best].parameters
        ):
            raise ValueError("its best trial is not the one with the lowest value")
        return self

    def _has_its_mean(self, trial: Trial) -> bool:
        mean = mean_of(self.criterion, trial.values)
        if mean is None or trial.value is None:
            return mean == trial.value
        return math.isclose(mean, trial.value, rel_tol=ROUNDING)

    @property
    def path(self) -> Path:
        """Where the study lives below the results folder."""
        return study_path(self.corpora, self.recipe, self.scenarios, self.label, self.criterion)

    def summary(self) -> str:
        """What a person wants to know of it, in a few lines: how the defaults did, and the best."""
        lost = sum(trial.value is None for trial in self.trials)
        head = (
            f"{self.label}: {self.n_trials} trials by {self.criterion} on "
            f"{', '.join(self.corpora)} with {', '.join(self.scenarios)}, {lost} of them not done"
        )
        first = self.trials[0]
        if self.best is None:
            return f"{head}\n  none is done; the first: {shown(first.reason)}"
        best = self.trials[self.best]
        found = f"{best.value:.2f} {CRITERIA[self.criterion].unit}"
        if self.best == 0:
            return f"{head}\n  the defaults are best: {found}"
        before = f"not done, {shown(first.reason)}" if first.value is None else f"{first.value:.2f}"
        lines = [head, f"  defaults: {before}; best: {found} (trial {self.best}), with"]
        lines += [
            f"    {field} = {best.parameters[field]!r} (default {first.parameters[field]!r})"
            for field in self.search_space
        ]
        return "\n".join(lines)


def best_of(trials: Sequence[Trial]) -> int | None:
    """The number of the trial with the lowest value, the first of equals; None if none is done."""
    values = {number: each.value for number, each in enumerate(trials) if each.value is not None}
    return min(values, key=lambda number: (values[number], number), default=None)


def study_path(
    corpora: Sequence[str], recipe: str, scenarios: Sequence[str], label: str, criterion: str
) -> Path:
    """Where a study lives below the results folder: its path says what it is.

    Raises:
        UserError: if a name cannot be a part of a path.
    """
    name = check_name("study", f"{label}-{criterion}", in_path=True)
    return Path(TUNING) / folder_of("+".join(corpora), recipe, "+".join(scenarios)) / f"{name}.json"


def write_study(results: Path, study: Study) -> None:
    """Write a study to its place; raises what `write_filed` raises."""
    write_filed(results, study)


def read_study(results: Path, path: Path) -> Study:
    """Read a study and check it against its place; raises what `read_filed` raises."""
    return read_filed("study", results, path, Study)


def read_studies(results: Path) -> Iterator[Study]:
    """Read all studies in the order of their paths; raises what `read_filed` raises."""
    for path in sorted(results.glob(f"{TUNING}/*/*/*/*.json")):
        yield read_study(results, path)


def differences(one: Study, other: Study) -> list[str]:
    """What two studies of the same path contradict each other in: neither seconds nor machine."""
    said, also = (_lasting(study) for study in (one, other))
    return [name for name in said if said[name] != also[name]]


def _lasting(study: Study) -> dict[str, Any]:
    """What a study says that every machine should say."""
    return study.model_dump(
        mode="json", exclude={"provenance": True, "trials": {"__all__": {"seconds"}}}
    )
