"""Scores: what a method is worth on a request, and what it may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ser_unlearn.errors import MethodError
from ser_unlearn.recogniser.costs import Costs
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Seeds
from ser_unlearn.runner.places import Place
from ser_unlearn.tuning import scoring
from ser_unlearn.tuning.scoring import LEAST_MOVE, Measure, Score, Scoring
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.registry import resolve


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function: what outputs that cost and move so much score.

    To train anew takes 1,000 operations and moves by 1.
    """

    def found(flops: float = 0.0, moved: float = 1.0, error: MethodError | None = None) -> Score:
        def outputs(self: Scoring, request: Any) -> Any:
            if error is not None:
                raise error
            return np.zeros((4, 2)), Costs(runtime_s=3.0, flops=flops, peak_memory_mb=1.0)

        monkeypatch.setattr(Scoring, "outputs", outputs)
        monkeypatch.setattr(Scoring, "request", None)
        measure = Measure(lambda _: 1.5, flops=1000.0, moved=lambda _: moved, move=1.0)
        monkeypatch.setattr(scoring, "_measure", lambda *_: measure)
        place = Place("espeak", "tiny", None, "cpu", Path("nowhere"))
        seeds = Seeds(model=1000, forget=1000, method=0)
        row, limits, origin = resolve("ssd", {}), Limits(1.0), provenance("cpu")
        return Scoring(place, "random:16", row, seeds, limits, origin, "distance").execute()

    return found


def test_what_is_done_is_judged(score: Any):
    for flops in (0.0, 1000.0):
        assert score(flops) == Score("done", "", 1.5, 3.0)


def test_what_costs_more_than_training_anew_is_not_done(score: Any):
    found = score(1250.0)
    assert (found.status, found.reason) == ("failed", "costs 1.25 times retraining")
    assert found.value is None


def test_what_stays_as_it_was_is_not_done(score: Any):
    assert score(moved=LEAST_MOVE).status == "done"
    found = score(moved=LEAST_MOVE / 2)
    assert (found.status, found.reason) == ("failed", "leaves what it is to forget as it was")
    assert found.value is None


def test_a_failure_of_the_method_is_its_score(score: Any):
    found = score(error=MethodError("timeout", "stopped after 9 s"))
    assert (found.status, found.reason, found.value) == ("timeout", "stopped after 9 s", None)
    assert found.seconds >= 0
