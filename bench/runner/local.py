"""Workers on this machine: processes forked from the clean server, which work for one run."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import psutil
from joblib import cpu_count

from ser_unlearn.errors import EngineError, UserError
from ser_unlearn.runner.workers import Engine, Job, Outcome
from ser_unlearn.unlearning.server import begin, context, kill_forked

Given = TypeVar("Given")

MOST_LOSSES = 5
"""How often workers may die with no job done in between."""

Numbered = tuple[int, Job[Outcome]]


class Local:
    """Processes on this machine."""

    remote = False

    def require(self, store: str | Path, data_dir: Path | None, device: str) -> None:
        """They are this machine's, and can do what it can."""

    def count(self, wanted: int | None, device: str, jobs: int) -> int:
        """One a core, and one alone on a GPU."""
        return min(wanted or (1 if device == "cuda" else cpu_count()), jobs)

    def memory_mb(self, wanted: int | None, device: str) -> float | None:
        """This machine's memory over the workers."""
        return psutil.virtual_memory().total / 1e6 / self.count(wanted, device, cpu_count())

    def outcomes(
        self, jobs: Iterator[Numbered[Outcome]], workers: int
    ) -> Iterator[tuple[int, Outcome]]:
        """One job at a time to whoever is free: jobs differ in length.

        What was lost with a worker that died is done again.

        Raises:
            EngineError: if workers die again and again.
        """
        lost: list[Numbered[Outcome]] = []
        losses = 0
        while True:
            todo, lost = chain(lost, jobs), []
            for outcome in _with_one_crew(todo, workers, lost):
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


LOCAL: Engine = Local()


def apart(do: Callable[[Given], Outcome], given: Given) -> Outcome:
    """Do something in a process of its own, which may import what this one should not.

    Raises:
        UserError: if that ends the process.
    """
    with ProcessPoolExecutor(1, context(), begin) as executor:
        try:
            return executor.submit(do, given).result()
        except (BrokenProcessPool, SystemExit, KeyboardInterrupt) as error:
            raise UserError(
                "A method's file ends the process that imports it. Let it define its class only."
            ) from error


def _with_one_crew(
    jobs: Iterable[Numbered[Outcome]], workers: int, lost: list[Numbered[Outcome]]
) -> Iterator[tuple[int, Outcome]]:
    """Do jobs until one of the workers dies; those that it leaves undone are added to `lost`."""
    # A pool each: one of several does not see the death of a worker that it is still starting.
    crew = [ProcessPoolExecutor(1, context(), begin) for _ in range(workers)]
    running: dict[Future[Outcome], tuple[ProcessPoolExecutor, Numbered[Outcome]]] = {}
    left = iter(jobs)

    def occupy(worker: ProcessPoolExecutor) -> None:
        for number, job in islice(left, 1):
            try:
                running[worker.submit(job.execute)] = worker, (number, job)
            # It has died, or the server that was asked for it.
            except (BrokenProcessPool, EOFError, OSError):
                lost.append((number, job))

    try:
        for worker in crew:
            occupy(worker)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                worker, (number, job) = running.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    lost.append((number, job))
                    continue
                # Whoever hears of it may have further jobs then.
                yield number, outcome
                if not lost:
                    occupy(worker)
    finally:
        cut_short = bool(running or lost)
        if cut_short:
            for process in multiprocessing.active_children():
                process.kill()
        for worker in crew:
            worker.shutdown(cancel_futures=True)
        if cut_short:
            # What the workers had begun.
            kill_forked()
