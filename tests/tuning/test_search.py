"""The search: which trials it draws, what it heeds, and which is the best."""

from __future__ import annotations

from typing import Any

import numpy as np
from trials import DEFAULTS, trial

from ser_unlearn.tuning.scoring import Score
from ser_unlearn.tuning.space import Choice, Range
from ser_unlearn.tuning.studies import Trial, best_of
from ser_unlearn.tuning.tune import STARTUP, _trial, search

SPACE = {"rate": Range(low=1e-4, high=1.0, scale="log"), "mode": Choice(values=["soft", "hard"])}

BEST = 3e-2


def bowl(parameters: Any) -> float:
    return abs(float(np.log10(parameters["rate"] / BEST)))


def searched(count: int, seed: int = 0) -> list[Trial]:
    return search(
        SPACE, DEFAULTS, count, seed, lambda _, given: [trial(each, bowl(each)) for each in given]
    )


def test_the_first_trial_is_the_defaults():
    for count in (1, 3, STARTUP + 2):
        trials = searched(count)
        assert len(trials) == count
        assert trials[0].parameters == DEFAULTS
        assert len({each.parameters["rate"] for each in trials}) == count


def test_trials_lie_in_the_space_and_leave_the_other_fields_alone():
    for each in searched(STARTUP + 5):
        assert all(each.parameters[field] in SPACE[field] for field in SPACE)
        assert {**each.parameters, "rate": 0, "mode": 0} == {**DEFAULTS, "rate": 0, "mode": 0}


def test_the_same_seed_draws_the_same_trials():
    assert searched(STARTUP + 3) == searched(STARTUP + 3)
    assert searched(3, seed=1) != searched(3)
    # More trials go on where fewer ended.
    assert searched(STARTUP + 3)[: STARTUP + 1] == searched(STARTUP + 1)


def test_the_search_heeds_what_trials_are_worth():
    def backwards(_: int, settings: Any) -> list[Trial]:
        return [trial(each, -bowl(each)) for each in settings]

    one = [each.parameters for each in searched(STARTUP + 5)]
    other = [each.parameters for each in search(SPACE, DEFAULTS, STARTUP + 5, 0, backwards)]
    assert one[:STARTUP] == other[:STARTUP]
    assert one[STARTUP:] != other[STARTUP:]


def test_a_failed_trial_counts_and_the_search_goes_on():
    def attempt(first: int, settings: Any) -> list[Trial]:
        return [
            trial(each, None, "it broke") if number % 2 else trial(each, bowl(each))
            for number, each in enumerate(settings, first)
        ]

    trials = search(SPACE, DEFAULTS, STARTUP + 4, 0, attempt)
    assert [each.status for each in trials] == ["done", "failed"] * (STARTUP // 2 + 2)
    assert trials[1].reason == "it broke"


def test_where_every_trial_fails_there_is_no_best():
    trials = search(
        SPACE,
        DEFAULTS,
        STARTUP + 2,
        0,
        lambda _, given: [trial(each, None, "no") for each in given],
    )
    assert len(trials) == STARTUP + 2
    assert best_of(trials) is None


def test_the_best_is_the_first_of_equals():
    assert best_of([trial({}, None), trial({}, 4.0), trial({}, 2.0), trial({}, 2.0)]) == 2


def test_a_trial_is_the_mean_over_its_forget_sets_and_fails_with_any():
    scores = [Score("done", "", 3.0, 1.5), Score("done", "", 4.0, 2.0)]
    done = _trial(DEFAULTS, scores)
    assert (done.status, done.value, done.values, done.seconds) == ("done", 3.5, [3.0, 4.0], 3.5)
    late = Score("timeout", "stopped after 9 s", None, 9.0)
    failed = _trial(DEFAULTS, [scores[0], late])
    assert (failed.status, failed.reason) == ("timeout", "stopped after 9 s")
    assert (failed.value, failed.values) == (None, [3.0, None])
