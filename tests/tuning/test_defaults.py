"""Earned defaults: those of every row are what its committed study found to be the best."""

from __future__ import annotations

import pytest
from checkouts import ROOT

from ser_unlearn.tuning.studies import Study, read_studies
from ser_unlearn.tuning.tune import tunable
from ser_unlearn.unlearning.registry import Row, resolve, resolve_all

CRITERIA = {"unseen": "distance", "zero": "wiped-out"}
"""By which rows are tuned that stop at an aim; all others are by the distance."""

STUDIES = {
    study.label: study
    for study in read_studies(ROOT / "results")
    if set(study.corpora) == {"espeak", "emodb"}
}


def criterion_of(row: Row) -> str:
    return CRITERIA[str(row.parameters.get("stop", "unseen"))]


@pytest.mark.parametrize("label", sorted(STUDIES))
def test_the_parameters_of_a_row_are_the_best_that_was_found(label: str):
    study: Study = STUDIES[label]
    row = resolve(label, {})
    assert study.criterion == criterion_of(row)
    if study.best is None:
        # Of such a method no setting acts on every request.
        assert all(trial.value is None for trial in study.trials)
        return
    differing = {
        field: (row.parameters.get(field), value)
        for field, value in study.trials[study.best].parameters.items()
        if row.parameters.get(field) != value
    }
    assert not differing, f"{label}: its parameters and what its study found: {differing}"


def test_every_method_and_every_aim_has_a_study_with_as_many_trials():
    methods, _ = tunable()
    aims = {
        row.label
        for row in resolve_all(None, {})
        if row.method in methods and criterion_of(row) != criterion_of(resolve(row.method, {}))
    }
    # Other variants may have one, and not all have: most switch a part of the method off.
    assert aims | set(methods) <= set(STUDIES)
    assert len({study.n_trials for study in STUDIES.values()}) == 1
    assert min(study.n_trials for study in STUDIES.values()) >= 15
