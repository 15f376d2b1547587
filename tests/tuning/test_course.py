"""Courses: trials of a row, in which order they are asked for and what scores make of them."""

from __future__ import annotations

import pytest

from ser_unlearn.tuning.course import SKIPPED, Course, trial_of
from ser_unlearn.tuning.scoring import Score
from ser_unlearn.tuning.search import STARTUP
from ser_unlearn.tuning.space import read_space
from ser_unlearn.unlearning.registry import load_class, resolve

ROW = resolve("ssd", {})

LATE = Score("timeout", "stopped after 9 s", None, 9.0)


def done(value: float) -> Score:
    return Score("done", "", value, 1.5)


def course(n_trials: int, n_requests: int = 2) -> Course:
    space = read_space(load_class("ssd"), "ssd", ROW.parameters)
    return Course(ROW, space, "distance", n_trials, n_requests, seed=0)


def test_a_trial_is_the_mean_over_its_requests():
    scores = [done(2.0), done(8.0)]
    for criterion, mean in (("oracle", 5.0), ("distance", 4.0)):
        trial = trial_of(criterion, ROW.parameters, scores)
        assert (trial.status, trial.reason, trial.seconds) == ("done", "", 3.0)
        assert trial.values == [2.0, 8.0]
        assert trial.value == pytest.approx(mean, rel=1e-12)  # one root


def test_a_trial_fails_with_its_first_failure_and_what_came_after_does_not_count():
    for after in (done(1.0), SKIPPED, Score("failed", "it broke", None, 1.5)):
        trial = trial_of("distance", ROW.parameters, [done(2.0), LATE, after])
        assert (trial.status, trial.reason) == ("timeout", "stopped after 9 s")
        assert (trial.value, trial.values) == (None, [2.0, None, None])


def test_the_next_settings_are_asked_for_when_all_before_have_been_tried():
    tuned = course(STARTUP + 1)
    asked = tuned.ask()
    assert [number for number, _ in asked] == list(range(STARTUP))
    assert asked[0][1] == ROW.parameters
    steps = [(number, request) for number, _ in asked for request in (0, 1)]
    # In whatever order they end.
    ends = [tuned.tell(*step, done(1.0 + step[0])) for step in reversed(steps)]
    assert ends == [False] * (len(steps) - 1) + [True]
    assert [trial.value for trial in tuned.trials] == [1.0 + number for number in range(STARTUP)]
    assert not tuned.has_ended
    ((number, _),) = tuned.ask()
    assert number == STARTUP
    assert not tuned.tell(number, 0, done(1.0))
    assert tuned.tell(number, 1, done(1.0))
    assert tuned.has_ended


def test_requests_after_a_failed_one_are_lost():
    tuned = course(2, n_requests=3)
    assert len(tuned.ask()) == 2
    tuned.tell(1, 1, LATE)
    lost = {
        (trial, request)
        for trial in (0, 1)
        for request in range(3)
        if tuned.is_lost(trial, request)
    }
    assert lost == {(1, 2)}
