"""Jobs of tuning: one setting of a method on one forget set, and what it is worth."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ser_unlearn.errors import MethodError
from ser_unlearn.results.records import Status
from ser_unlearn.runner.answers import Answer, attempt
from ser_unlearn.runner.places import Place, worker
from ser_unlearn.tuning.criteria import CRITERIA, Judge

if TYPE_CHECKING:
    from ser_unlearn.recogniser.outputs import Logits

LEAST_MOVE = 0.1
"""Of the way that training anew moves the answers to the forget set. To leave the model as it is
can be the best that some methods do by a criterion, and is no setting of a method."""


@dataclass(frozen=True)
class Score:
    """What a trial is worth on one forget set."""

    status: Status
    reason: str
    value: float | None
    """In the criterion's unit; None if the method is not done."""
    seconds: float
    """That the method took; until it failed, if it is not done."""


@dataclass(frozen=True)
class Scoring(Answer):
    """Run one method on one forget set, and judge what comes out by a criterion of tuning."""

    criterion: str

    def execute(self) -> Score:
        """Run the method, unless the store has what came of it.

        An exception, a time-out, a result that is not finite, more operations than training anew
        takes, or answers to the forget set that stay as they were becomes the score's status.
        """
        with worker():
            # A failure of this is not the method's.
            measure = _measure(
                self.place, self.scenario, self.seeds.model, self.seeds.forget, self.criterion
            )
            start = time.perf_counter()

            def measured() -> tuple[float, float]:
                logits, costs = self.outputs(self.request)
                if costs.flops > measure.flops:
                    times = f"{costs.flops / measure.flops:.2f}"
                    raise MethodError("failed", f"costs {times} times retraining")
                if measure.moved(logits) < LEAST_MOVE * measure.move:
                    raise MethodError("failed", "leaves what it is to forget as it was")
                return measure.judge(logits), costs.runtime_s

            status, reason, done = attempt(measured)
            value, seconds = done or (None, time.perf_counter() - start)
            return Score(status, reason, value, seconds)


@dataclass(frozen=True)
class Measure:
    """What answers to a request are measured by."""

    judge: Judge
    flops: float
    """That training anew takes."""
    moved: Judge
    """How far the answers to the forget set are from the original's, in nats."""
    move: float
    """How far training anew moves them."""


@lru_cache(maxsize=16)
def _measure(
    place: Place, scenario: str, model_seed: int, forget_seed: int, criterion: str
) -> Measure:
    from ser_unlearn.evaluation.distance import divergence

    request = place.request(scenario, model_seed, forget_seed)
    found, forget = CRITERIA[criterion], request.sets["forget"]
    anew = found.anew(request)

    def moved(logits: Logits) -> float:
        return divergence(logits[forget], request.original.logits[forget])

    return Measure(found.judge(request), anew.costs.flops, moved, moved(anew.logits))
