"""Workers on this machine: processes forked from the clean server, which work for one run."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice

from ser_unlearn.errors import EngineError
from ser_unlearn.runner.workers import Job, Outcome
from ser_unlearn.unlearning.descendants import die_with_parent, end_with_runner
from ser_unlearn.unlearning.server import context, kill_forked, share

MOST_LOSSES = 5
"""How often workers may die with no job done in between."""

Numbered = tuple[int, Job[Outcome]]


def outcomes(jobs: Iterator[Numbered[Outcome]], workers: int) -> Iterator[tuple[int, Outcome]]:
    """Do jobs side by side, one at a time to whoever is free, for they differ in length.

    What was lost with a worker that died is done again.

    Args:
        jobs: with their numbers.
        workers: how many processes.

    Yields:
        The number of each job and what came of it, as it ends.

    Raises:
        EngineError: if workers die again and again.
    """
    lost: list[Numbered[Outcome]] = []
    losses = 0
    while True:
        todo, lost = chain(lost, jobs), []
        for outcome in _with_one_pool(todo, workers, lost):
            losses = 0
            yield outcome
        if not lost:
            return
        losses += 1
        if losses == MOST_LOSSES:
            raise EngineError(
                f"Workers died {losses} times in a row at: {lost[0][1].title}. "
                "They may lack memory: ask for fewer, with --jobs."
            )


def _with_one_pool(
    jobs: Iterable[Numbered[Outcome]], workers: int, lost: list[Numbered[Outcome]]
) -> Iterator[tuple[int, Outcome]]:
    """Do jobs until one of the workers dies; those that it leaves undone are added to `lost`."""
    executor = ProcessPoolExecutor(workers, context(), _begin)
    running: dict[Future[Outcome], Numbered[Outcome]] = {}
    left = iter(jobs)

    def hand_out(count: int) -> None:
        for number, job in islice(left, count):
            try:
                running[executor.submit(job.execute)] = number, job
            except BrokenProcessPool:
                lost.append((number, job))

    whole = False
    try:
        hand_out(workers)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number, job = running.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    lost.append((number, job))
                    continue
                if not lost:
                    hand_out(1)
                yield number, outcome
        whole = not lost
    finally:
        if not whole:
            for worker in multiprocessing.active_children():
                worker.kill()
        executor.shutdown(cancel_futures=True)
        if not whole:
            # What the workers had begun.
            kill_forked()


def _begin() -> None:
    """Leave Ctrl-C to the runner, end when it does, and have methods forked from the server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    end_with_runner()
    share()
