"""Jobs of tuning: one setting of a method on one forget set, and what it is worth."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

from ser_unlearn.errors import MethodError
from ser_unlearn.results.records import Status
from ser_unlearn.runner.answers import Answer, attempt
from ser_unlearn.runner.places import Place, worker
from ser_unlearn.tuning.criteria import CRITERIA, Judge


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

        An exception, a time-out, a result that is not finite, or more operations than training
        anew takes becomes the score's status.
        """
        with worker():
            # A failure of this is not the method's.
            judge, flops = _measure(
                self.place, self.scenario, self.seeds.model, self.seeds.forget, self.criterion
            )
            start = time.perf_counter()

            def measured() -> tuple[float, float]:
                logits, costs = self.outputs(self.request)
                if costs.flops > flops:
                    times = f"{costs.flops / flops:.2f}"
                    raise MethodError("failed", f"costs {times} times retraining")
                return judge(logits), costs.runtime_s

            status, reason, done = attempt(measured)
            value, seconds = done or (None, time.perf_counter() - start)
            return Score(status, reason, value, seconds)


@lru_cache(maxsize=16)
def _measure(
    place: Place, scenario: str, model_seed: int, forget_seed: int, criterion: str
) -> tuple[Judge, float]:
    """The judge of all answers to a request, and the operations that training anew takes there."""
    request = place.request(scenario, model_seed, forget_seed)
    found = CRITERIA[criterion]
    return found.judge(request), found.anew(request).costs.flops
