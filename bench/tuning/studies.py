"""Studies: one JSON file for each tuning of a method, with every trial that it took."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from ser_unlearn.data.cards import load_card
from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.results.names import Part, check_name, shown
from ser_unlearn.results.records import (
    TUNING,
    Count,
    Document,
    Filed,
    Number,
    Provenance,
    Reason,
    Status,
    Tuned,
    folder_of,
    read_filed,
    write_filed,
)
from ser_unlearn.runner.grid import Cell, cells, rows
from ser_unlearn.runner.suite import Suite
from ser_unlearn.tuning.space import Choice, Range, Value
from ser_unlearn.unlearning.registry import Row


class TuningSeeds(Document):
    """The seeds of a study; every trial runs on each model seed with each forget seed."""

    sampler: Count
    """Draws the trials."""
    models: list[Count] = Field(min_length=1)
    forgets: list[Count] = Field(min_length=1)
    method: Count


class Trial(Document):
    """One setting of the parameters, on every forget set of a study."""

    parameters: dict[str, Value]
    """All of the method's fields."""
    status: Status
    reason: Reason
    """Of the first forget set on which the method was not done."""
    values: list[Number | None] = Field(min_length=1)
    """The criterion in points, for each model seed and forget seed in their order."""
    value: Number | None
    """Their mean; None if the trial is not done."""
    seconds: Number
    """That the method took on all forget sets; to its end, where it failed."""

    @model_validator(mode="after")
    def _agrees(self) -> Trial:
        value = mean_of(self.values)
        if self.value != value or (self.status == "done") != (value is not None):
            raise ValueError("a trial's status, values and mean do not agree")
        if self.status == "done" and self.reason:
            raise ValueError("a trial is done, and yet has a reason why not")
        return self


def mean_of(values: Sequence[float | None]) -> float | None:
    """The mean of a trial's values; None if one is missing."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if len(known) == len(values) else None


class Study(Filed):
    """The tuning of one row by one criterion on one corpus, recipe and scenario."""

    schema_version: Literal[1] = 1
    corpus: Part
    card: str
    """Hash of the corpus's card."""
    recipe: Part
    recipe_digest: str
    scenario: Part
    label: Part
    """The row of the tables that was tuned: a method, or a variant."""
    method: Part
    code: str
    """Hash of the method's code."""
    criterion: Part
    """A name in `ser_unlearn.tuning.criteria`."""
    seeds: TuningSeeds
    timeout_s: float = Field(gt=0)
    """The seconds that the method may take on one forget set."""
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
        if len(self.trials) != self.n_trials:
            raise ValueError(f"it has {len(self.trials)} trials and says {self.n_trials}")
        requests = len(self.seeds.models) * len(self.seeds.forgets)
        if any(len(trial.values) != requests for trial in self.trials):
            raise ValueError(f"a trial has not as many values as there are forget sets: {requests}")
        if any(self.search_space.keys() - trial.parameters.keys() for trial in self.trials):
            raise ValueError("a trial lacks a parameter of the search space")
        best = best_of(self.trials)
        if self.best != best or self.best_parameters != (
            None if best is None else self.trials[best].parameters
        ):
            raise ValueError("its best trial is not the one with the lowest value")
        return self

    @property
    def path(self) -> Path:
        """Where the study lives below the results folder."""
        return study_path(self.corpus, self.recipe, self.scenario, self.label, self.criterion)

    def summary(self) -> str:
        """What a person wants to know of it, in a few lines."""
        failed = sum(trial.value is None for trial in self.trials)
        head = f"{self.label}: {self.n_trials} trials, {failed} of them failed, by {self.criterion}"
        if self.best is None:
            return f"{head}: none is done; the first: {shown(self.trials[0].reason)}"
        default, value = self.trials[0].value, self.trials[self.best].value
        before = "failed" if default is None else f"{default:.1f} points"
        lines = [f"{head}: defaults {before}, best {value:.1f} points (trial {self.best})"]
        lines += [
            f"  {field} = {self.trials[self.best].parameters[field]}" for field in self.search_space
        ]
        return "\n".join(lines)


def best_of(trials: list[Trial]) -> int | None:
    """The number of the trial with the lowest value, the first of equals; None if none is done."""
    values = {number: each.value for number, each in enumerate(trials) if each.value is not None}
    return min(values, key=lambda number: (values[number], number), default=None)


def study_path(corpus: str, recipe: str, scenario: str, label: str, criterion: str) -> Path:
    """Where a study lives below the results folder: its path says what it is.

    Raises:
        UserError: if a name cannot be a part of a path.
    """
    name = check_name("study", f"{label}-{criterion}", in_path=True)
    return Path(TUNING) / folder_of(corpus, recipe, scenario) / f"{name}.json"


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


def tuned_rows(
    results: Path,
    corpus: str,
    recipe: str,
    scenario: str,
    rows: Sequence[Row],
    criteria: Sequence[str],
) -> list[Row]:
    """The rows with what tuning found, of those that have been tuned on this corpus.

    Args:
        results: the results folder.
        corpus: name of the card.
        recipe: name of the recipe.
        scenario: how forget sets are drawn.
        rows: with their defaults.
        criteria: by which the studies were made.

    Raises:
        UserError: if a study is damaged, or what was tuned has changed since.
    """
    found = []
    for row in rows:
        for criterion in criteria:
            path = results / study_path(corpus, recipe, scenario, row.label, criterion)
            if path.exists():
                study = read_study(results, path)
                _check_current(study, row)
                _check_parameters(study, row)
                # Where every trial failed there is nothing to run.
                if study.best_parameters is not None:
                    tuned = Tuned(criterion=criterion, trials=study.n_trials)
                    label = f"{row.label}[tuned-{criterion},T={study.n_trials}]"
                    found.append(
                        dataclasses.replace(
                            row, label=label, parameters=study.best_parameters, tuned=tuned
                        )
                    )
    return found


def tuned_tables(results: Path, suite: Suite, criteria: Sequence[str]) -> dict[Cell, list[Row]]:
    """The tuned rows of each table of a suite: every row with a study gets one with what it found.

    Args:
        results: the results folder.
        suite: the grid.
        criteria: by which the studies were made.

    Raises:
        UserError: if no row has such a study, or as `tuned_rows` does.
    """
    found = {cell: tuned_rows(results, *cell, rows(suite, {}), criteria) for cell in cells(suite)}
    if not any(found.values()):
        raise UserError(
            f"--tuned {' '.join(criteria)}: no row of this run has such a study in {results}. "
            "Tune one first: ser-unlearn tune."
        )
    return found


def _check_parameters(study: Study, row: Row) -> None:
    """Refuse a study whose best parameters are not those of the method."""
    found = study.best_parameters or row.parameters
    if _kinds(found) != _kinds(row.parameters):
        raise UserError(
            f"The best parameters in the study {study.path} are not those of '{row.method}'. "
            f"Delete it and tune again: ser-unlearn tune {study.label}."
        )


def _kinds(parameters: Mapping[str, Value]) -> dict[str, type]:
    """The types of parameters; a whole number is as good as a float."""
    return {
        field: float if type(value) is int else type(value) for field, value in parameters.items()
    }


def _check_current(study: Study, row: Row) -> None:
    """Refuse a study of what has changed since."""
    now = (load_card(study.corpus).digest, load_recipe(study.recipe).digest, row.code)
    names = ("corpus's card", "recipe", "method's code")
    then = (study.card, study.recipe_digest, study.code)
    changed = [name for name, was, is_ in zip(names, then, now, strict=True) if was != is_]
    if changed:
        raise UserError(
            f"The {' and the '.join(changed)} changed since the study {study.path}. Tune again: "
            f"ser-unlearn tune {study.label} --trials {study.n_trials} --corpus {study.corpus} "
            f"--recipe {study.recipe} --scenario {study.scenario} --criterion {study.criterion}"
        )
