"""Workers on this machine: processes forked from the clean server, which work for one run."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from ser_unlearn.errors import EngineError
from ser_unlearn.runner.workers import Job, Outcome
from ser_unlearn.unlearning.descendants import die_with_parent, end_with_runner, kill_tree
from ser_unlearn.unlearning.server import context, share


def outcomes(
    jobs: Iterator[tuple[int, Job[Outcome]]], workers: int
) -> Iterable[tuple[int, Outcome]]:
    """Do jobs side by side, one at a time to whoever is free, for they differ in length.

    Args:
        jobs: with their numbers.
        workers: how many processes.

    Yields:
        The number of each job and what came of it, as it ends.

    Raises:
        EngineError: if a worker died.
    """
    executor = ProcessPoolExecutor(workers, context(), _begin)
    running: dict[Future[Outcome], int] = {}

    def hand_out(count: int) -> None:
        for number, job in islice(jobs, count):
            running[executor.submit(job.execute)] = number

    try:
        hand_out(workers)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number = running.pop(future)
                outcome = future.result()
                hand_out(1)
                yield number, outcome
    except BrokenProcessPool as error:
        raise EngineError(
            "A worker was killed, perhaps for want of memory: ask for fewer, with --jobs."
        ) from error
    finally:
        if running:
            # Nobody wants any more what they are at.
            _kill(executor)
        executor.shutdown(cancel_futures=True)


def _kill(executor: ProcessPoolExecutor) -> None:
    for pid in list(executor._processes or ()):
        kill_tree(pid)


def _begin() -> None:
    """Leave Ctrl-C to the runner, end when it does, and have methods forked from the server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    end_with_runner()
    if multiprocessing.parent_process() is not None:
        share()
