"""Every check on every row of every method: none is named here."""

from __future__ import annotations

import pytest

from ser_unlearn.checks.conformance import CHECKS, verdict
from ser_unlearn.checks.subjects import Subject, subjects
from ser_unlearn.unlearning.registry import list_methods

SUBJECTS = {subject.label: subject for subject in subjects()}


REPEATING = {
    "batch_of_one", "determinism", "direction", "fresh_process", "one_utterance", "operations",
    "whole_emotion",
}  # fmt: skip
"""Checks for which a method runs again. All others but `declared_data` look at the same runs."""


@pytest.mark.parametrize(
    "check",
    [pytest.param(check, marks=[pytest.mark.slow] * (check in REPEATING)) for check in CHECKS],
)
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, marks=[pytest.mark.slow] * (row != subject.info.name))
        for row, subject in SUBJECTS.items()
    ],
)
def test_conformance(row: str, check: str):
    subject: Subject = SUBJECTS[row]
    assert verdict(subject, check) == ""


def test_no_row_and_no_check_is_left_out(request: pytest.FixtureRequest):
    rows = [row for info in list_methods().values() for row in info.rows]
    assert sorted(SUBJECTS) == sorted(rows)
    assert {"original", "retrain"} <= set(rows)
    ran = [item for item in request.session.items if "test_conformance[" in item.name]
    here = [item for item in ran if item.path == request.path]
    chosen = request.config.option.keyword or request.config.option.markexpr
    if not chosen and "::" not in "".join(request.config.args):
        assert len(here) == len(rows) * len(CHECKS)
