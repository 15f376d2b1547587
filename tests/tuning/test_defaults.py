"""Earned defaults: those of every method are what its committed study found to be the best."""

from __future__ import annotations

import pytest
from checkouts import ROOT

from ser_unlearn.tuning.studies import Study, read_studies
from ser_unlearn.tuning.tune import tunable
from ser_unlearn.unlearning.registry import resolve

STUDIES = {
    study.label: study
    for study in read_studies(ROOT / "results")
    if study.criterion == "distance" and set(study.corpora) == {"espeak", "emodb"}
}

LABELS = sorted(STUDIES) or [
    pytest.param("", marks=pytest.mark.skip(reason="no study is committed yet"))
]


@pytest.mark.parametrize("label", LABELS)
def test_the_defaults_are_the_best_that_was_found(label: str):
    study: Study = STUDIES[label]
    if study.best is None:
        # Of such a method no setting acts on every request.
        assert all(trial.value is None for trial in study.trials)
        return
    parameters = resolve(label, {}).parameters
    differing = {
        field: (parameters.get(field), value)
        for field, value in study.trials[study.best].parameters.items()
        if parameters.get(field) != value
    }
    assert not differing, f"{label}: defaults and what its study found: {differing}"


def test_every_method_with_a_search_space_has_a_study_with_as_many_trials():
    if not STUDIES:
        pytest.skip("no study is committed yet")
    tuned, _ = tunable()
    assert set(tuned) <= set(STUDIES)
    assert len({study.n_trials for study in STUDIES.values()}) == 1
    assert min(study.n_trials for study in STUDIES.values()) >= 15
