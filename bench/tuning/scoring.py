"""Jobs of tuning: one setting of a method on one forget set, and what it is worth."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ser_unlearn.results.records import Status
from ser_unlearn.runner.answers import Answer, attempt
from ser_unlearn.runner.places import worker
from ser_unlearn.tuning.criteria import CRITERIA


@dataclass(frozen=True)
class Score:
    """What a trial is worth on one forget set."""

    status: Status
    reason: str
    value: float | None
    """The criterion in points; None if the method is not done."""
    seconds: float
    """That the method took; until it failed, if it is not done."""


@dataclass(frozen=True)
class Scoring(Answer):
    """Run one method on one forget set, and judge what comes out by a criterion of tuning."""

    criterion: str

    def execute(self) -> Score:
        """Run the method, unless the store has what it left behind.

        An exception, a time-out or a result that is not finite becomes the score's status.
        """
        with worker():
            # A failure of this is not the method's.
            judge = CRITERIA[self.criterion].judge(self.request)
            start = time.perf_counter()

            def measured() -> tuple[float, float]:
                found = self.answer(self.request)
                return judge(found.logits), found.costs.runtime_s

            status, reason, done = attempt(measured)
            value, seconds = done or (None, time.perf_counter() - start)
            return Score(status, reason, value, seconds)
