"""The pool: rows that are tuned side by side share the workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from ser_unlearn.results.names import shown
from ser_unlearn.runner.progress import Display
from ser_unlearn.runner.trainings import Training
from ser_unlearn.runner.workers import Engine
from ser_unlearn.tuning.course import SKIPPED, Course
from ser_unlearn.tuning.scoring import Score, Scoring
from ser_unlearn.tuning.search import Setting

Work = Training | Scoring


@dataclass(frozen=True)
class Step:
    """One trial of one row on one request."""

    course: Course
    trial: int
    request: int


class Pool:
    """One queue for the jobs of all rows: no worker idles while any row has something to try.

    Rows that are behind come first, so that all end together; and all settings are tried on one
    request before the next, so that few are tried on further requests once they have failed.

    Args:
        trainings: of the models that all rows need; they come first.
        courses: of the rows.
        n_requests: on how many requests each setting is tried.
        scoring: makes the job that tries a setting on a request.
        ended: called with each course whose trials have all ended.
        unit: of what a job finds.
    """

    def __init__(
        self,
        trainings: Sequence[Training],
        courses: Sequence[Course],
        n_requests: int,
        *,
        scoring: Callable[[Step, Setting], Scoring],
        ended: Callable[[Course], None],
        unit: str,
    ) -> None:
        self._numbers = itertools.count()
        self._queue: list[tuple[int, int, int, Work]] = []
        """A heap: trials that the row has behind it, request, number, job."""
        for job in trainings:
            heappush(self._queue, (-1, 0, next(self._numbers), job))
        self._steps: dict[int, Step] = {}
        self._n_requests = n_requests
        self._scoring = scoring
        self._ended = ended
        self._unit = unit
        for course in courses:
            self._go_on(course)

    def __len__(self) -> int:
        """How many jobs stand in the queue."""
        return len(self._queue)

    def work(self, engine: Engine, workers: int, display: Display) -> None:
        """Do all jobs, those too that come in on the way."""
        # A row may go on after the last job was taken: then there are more.
        while self._queue:
            for number, score in engine.outcomes(self._take(display), workers):
                display.finished(number, self._describe(score))
                if score is not None:
                    self._note(self._steps[number], score)

    def _take(self, display: Display) -> Iterator[tuple[int, Work]]:
        """Jobs as workers take them, without those from which nothing can be learnt any more."""
        while self._queue:
            *_, number, job = heappop(self._queue)
            display.started(number, job.title)
            step = self._steps.get(number)
            if step is not None and step.course.is_lost(step.trial, step.request):
                display.finished(number, SKIPPED.reason)
                self._note(step, SKIPPED)
            else:
                yield number, job

    def _note(self, step: Step, score: Score) -> None:
        if step.course.tell(step.trial, step.request, score):
            self._go_on(step.course)

    def _go_on(self, course: Course) -> None:
        """Put what a row is to try next into the queue."""
        if course.has_ended:
            self._ended(course)
            return
        behind = len(course.trials)
        for (trial, setting), request in itertools.product(course.ask(), range(self._n_requests)):
            number, step = next(self._numbers), Step(course, trial, request)
            self._steps[number] = step
            heappush(self._queue, (behind, request, number, self._scoring(step, setting)))

    def _describe(self, score: Score | None) -> str:
        if score is None:
            return "done"
        if score.value is None:
            return f"{score.status}: {shown(score.reason)}"
        return f"{score.value:.2f} {self._unit} in {score.seconds:.1f} s"
