"""The pool: rows side by side, in whatever way an engine takes its jobs."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest
from rich.console import Console

from ser_unlearn.runner.progress import Display
from ser_unlearn.tuning.course import Course
from ser_unlearn.tuning.pool import Pool, Step
from ser_unlearn.tuning.scoring import Score
from ser_unlearn.tuning.search import STARTUP, Setting
from ser_unlearn.tuning.space import read_space
from ser_unlearn.unlearning.registry import load_class, resolve

ROWS = ("ssd", "scrub")
TRIALS, REQUESTS = STARTUP + 2, 3


class Crew:
    """An engine of workers that take equally long; an eager one gives a worker its next job before
    it says what came of the last."""

    remote = False

    def __init__(self, workers: int, *, eager: bool = False) -> None:
        self.workers = workers
        self.eager = eager
        self.rounds = 0

    def outcomes(self, jobs: Iterator[tuple[int, Any]], workers: int) -> Iterable[tuple[int, Any]]:
        self.rounds += 1
        running = deque(islice(jobs, self.workers))
        while running:
            number, job = running.popleft()
            outcome = number, job.execute()
            if self.eager:
                running.extend(islice(jobs, 1))
            yield outcome
            if not self.eager:
                running.extend(islice(jobs, 1))


@dataclass(frozen=True)
class Try:
    step: Step
    setting: Setting
    done: list[tuple[str, int, int]]

    title = "try"

    def execute(self) -> Score:
        label = self.step.course.row.label
        self.done.append((label, self.step.trial, self.step.request))
        # Trial 2 fails on its second request.
        if (self.step.trial, self.step.request) == (2, 1):
            return Score("failed", "it broke", None, 1.0)
        return Score("done", "", 1.0 + self.step.trial + self.step.request, 1.0)


class Training:
    title = "train"

    def execute(self) -> None:
        return None


def tuned(rows: Iterable[str], crew: Crew) -> tuple[list[Course], list[tuple[str, int, int]], str]:
    """The courses in the order in which they ended, the jobs that were done, and the display."""
    courses = []
    for label in rows:
        row = resolve(label, {})
        space = read_space(load_class(label), label, row.parameters)
        courses.append(Course(row, space, "distance", TRIALS, REQUESTS, seed=0))
    done: list[tuple[str, int, int]] = []
    ended: list[Course] = []
    pool = Pool(
        [Training(), Training()],  # type: ignore[list-item]
        courses,
        REQUESTS,
        scoring=lambda step, setting: Try(step, setting, done),  # type: ignore[arg-type,return-value]
        ended=ended.append,
        unit="steps",
    )
    assert len(pool) == 2 + len(courses) * STARTUP * REQUESTS
    text = io.StringIO()
    weights = [1.0] * (2 + len(courses) * TRIALS * REQUESTS)
    with Display(weights, crew.workers, Console(file=text, width=200)) as display:
        pool.work(crew, crew.workers, display)  # type: ignore[arg-type]
    return ended, done, text.getvalue()


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_every_row_has_the_same_trials_whoever_runs_beside_it(workers: int, eager: bool):
    together, done, text = tuned(ROWS, Crew(workers, eager=eager))
    assert {course.row.label for course in together} == set(ROWS)
    assert len(set(done)) == len(done)
    for course in together:
        (alone,), _, _ = tuned([course.row.label], Crew(1))
        assert len(course.trials) == TRIALS
        assert course.trials == alone.trials
    # Each line once, those of what was not tried too.
    assert len(text.splitlines()) == 2 + len(ROWS) * TRIALS * REQUESTS
    assert "2.00 steps in 1.0 s" in text
    assert "nothing left" in text.splitlines()[-1]


def test_what_comes_after_a_failure_is_not_tried():
    (course,), done, text = tuned(["ssd"], Crew(1))
    assert ("ssd", 2, 0) in done
    assert ("ssd", 2, 2) not in done
    assert len(done) == TRIALS * REQUESTS - 1
    assert (course.trials[2].status, course.trials[2].reason) == ("failed", "it broke")
    assert course.trials[2].values == [3.0, None, None]
    assert "try: not tried: it failed before" in text


def test_workers_are_asked_for_once_while_several_rows_have_something_to_try():
    crew = Crew(2)
    tuned(ROWS, crew)
    assert crew.rounds == 1
