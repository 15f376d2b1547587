"""The strongest attack and the verdict, by hand."""

import numpy as np
import pytest

from ser_unlearn.evaluation.membership import (
    Evidence,
    Interval,
    Outputs,
    Result,
    dearest,
    measure,
    strongest,
    verdict,
)
from ser_unlearn.evaluation.membership.loss import Loss


def around(value, half_width=0.05):
    return Interval(value, value - half_width, value + half_width)


def test_the_strongest_names_attack_and_interval_for_each_number():
    results = [
        Result("loss", "simple", around(0.6), around(0.30)),
        Result("lira-online", "standard", around(0.8), around(0.20)),
        Result("ulira", "strong", around(0.7), around(0.25)),
    ]
    found = strongest(iter(results))
    assert (found.auc.attack, found.auc.interval) == ("lira-online", around(0.8))
    assert (found.tpr.attack, found.tpr.interval) == ("loss", around(0.30))


@pytest.mark.parametrize(
    ("unlearned", "original", "retrained", "expected"),
    [
        (0.9, 0.9, 0.5, "unlike retrained"),  # nothing was forgotten
        (0.52, 0.9, 0.5, "like retrained"),
        (0.7, 0.9, 0.5, "unlike retrained"),
        (0.1, 0.9, 0.5, "unlike retrained"),  # too much was
        (0.5, 0.58, 0.5, "cannot tell"),  # 0.53 to 0.63 and 0.45 to 0.55 share 0.53 to 0.55
        (0.9, 0.58, 0.5, "unlike retrained"),  # neither of the two
        (0.5, 0.2, 0.5, "like retrained"),  # a ceiling that lies below the floor
    ],
)
def test_verdict(unlearned, original, retrained, expected):
    assert verdict(around(unlearned), around(original), around(retrained)) == expected


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
