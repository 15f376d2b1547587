"""What one attack finds, by hand."""

import numpy as np
import pytest

from ser_unlearn.evaluation.membership import (
    Evidence,
    Outputs,
    dearest,
    measure,
)
from ser_unlearn.evaluation.membership.loss import Loss


def test_the_members_are_those_that_come_first():
    # Losses of two classes: the larger the margin, the lower. Two members with large margins.
    logits = np.array([[5.0, 0], [4, 0], [1, 0], [2, 0], [3, 0]])
    evidence = Evidence(Outputs(logits, np.zeros(5, np.int64)))
    found = measure(Loss(), evidence, members=2, seed=0)
    assert (found.attack, found.price) == ("loss", "simple")
    assert (found.auc.value, found.tpr.value) == (1, 1)


def test_scores_that_are_not_numbers_are_refused():
    class Broken(Loss):
        name = "broken"

        def scores(self, view):
            return np.array([0.0, 1.0, np.nan, 2.0])

    evidence = Evidence(Outputs(np.zeros((4, 2)), np.zeros(4, np.int64)))
    with pytest.raises(ValueError, match="'broken' gave scores that are not finite"):
        measure(Broken(), evidence, members=2, seed=0)


def test_the_dearest_of_some_attacks():
    assert dearest([]) == "simple"
    assert dearest(["loss", "lira-offline", "svc-entropy"]) == "standard"
    assert dearest(["ulira", "loss"]) == "strong"
