"""Jobs on a Dask cluster: each is a task, done by whichever worker is free.

Dask does the jobs of a worker that is lost again on others. That is harmless: what a job makes goes
into the store whole, or not at all. When this process ends, in whatever way, the scheduler drops
what it has waiting for it.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import time
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError
from itertools import islice
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from distributed import Client, Future, KilledWorker, Security, Worker, get_worker, rpc

from ser_unlearn.errors import EngineError, UserError, one_line
from ser_unlearn.results.names import shown
from ser_unlearn.runner.demands import Demands, refusal
from ser_unlearn.runner.workers import Job, Outcome

PATIENCE_S = 5
"""How long a scheduler may take to answer."""

LOOK_S = 2
"""How often it is looked who works."""

GPU = "GPU"
"""The resource that workers with one offer: `dask worker --resources "GPU=1"`."""


class NoWorkerWarning(UserWarning):
    """All workers are lost; others may come."""


class Cluster:
    """The workers of a Dask scheduler.

    Args:
        scheduler: its address, such as "tcp://host:8786".
        most: how many jobs at a time; None for as many as there are workers.
    """

    remote = True

    def __init__(self, scheduler: str, most: int | None) -> None:
        self._scheduler = scheduler
        self._most = most
        self._client: Client | None = None
        self._demands: Demands | None = None

    def close(self) -> None:
        """Leave the scheduler, which drops what it has waiting for this process."""
        if self._client is not None:
            self._client.close(timeout=PATIENCE_S)

    def require(self, store: str | Path, data_dir: Path | None, device: str) -> None:
        """See that the scheduler answers, and that its workers can do what is asked of them."""
        self._client = _connected(self._scheduler)
        self._demands = Demands.of(store, data_dir, device)
        workers = self._workers()
        if not workers:
            raise UserError(self._how_to_start_one())
        answers = self._client.run(_misfit, self._demands, workers=list(workers), on_error="return")
        for address, answer in sorted(answers.items()):
            if answer is not None:
                raise refusal(address, answer if isinstance(answer, str) else _unable(answer))

    def count(self, wanted: int | None, device: str, jobs: int) -> int:
        """As many as there are now."""
        return min(self._at_once(), jobs)

    def memory_mb(self, wanted: int | None, device: str) -> float | None:
        """What the worker with the least may hold, as it was started."""
        limits = [worker["memory_limit"] for worker in self._workers().values()]
        return min(limits) / 1e6 if limits and all(limits) else None

    def outcomes(
        self, jobs: Iterator[tuple[int, Job[Outcome]]], workers: int
    ) -> Iterator[tuple[int, Outcome]]:
        """Hand out a job for each worker, those among them that come later."""
        run = uuid.uuid4().hex
        ended: Queue[Future[Any]] = Queue()
        running: dict[str, tuple[Future[Any], int, str]] = {}
        looked, at_once = time.monotonic(), workers
        while True:
            if time.monotonic() - looked > LOOK_S:
                looked, at_once = time.monotonic(), self._at_once()
            for number, job in islice(jobs, max(at_once - len(running), 0)):
                future = self._submit(f"{type(job).__name__}-{run}-{number}", job)
                running[str(future.key)] = future, number, job.title
                future.add_done_callback(ended.put)
            if not running:
                return
            try:
                future = ended.get(timeout=LOOK_S)
            except Empty:
                continue
            _, number, title = running.pop(str(future.key))
            yield number, self._outcome(future, title)

    def _submit(self, key: str, job: Job[Outcome]) -> Future[Any]:
        assert self._client is not None
        assert self._demands is not None
        resources = {GPU: 1} if self._demands.device == "cuda" else None
        return self._client.submit(
            # As bytes: what other code would make of a job is not tried.
            *(_execute, pickle.dumps(job), self._demands),
            key=key,
            resources=resources,
        )

    def _outcome(self, future: Future[Any], title: str) -> Any:
        try:
            return future.result()
        except KilledWorker as error:
            raise EngineError(
                f"Workers of {self._scheduler} died one after another of this job: {title}. "
                "Their own logs say why; they may need more memory."
            ) from error
        except CancelledError as error:
            raise EngineError(f"The scheduler {self._scheduler} is gone.") from error
        except ImportError as error:
            raise UserError(f"A worker is refused: {_unable(error)}") from error

    def _workers(self) -> dict[str, Any]:
        """What the scheduler says of the workers that can be used, by their addresses."""
        assert self._client is not None
        assert self._demands is not None
        # All of them, and not the first few.
        workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        if self._demands.device != "cuda":
            return workers
        return {
            address: worker for address, worker in workers.items() if worker["resources"].get(GPU)
        }

    def _at_once(self) -> int:
        """How many jobs to hand out; one waits where there is nobody just now."""
        workers = len(self._workers())
        if not workers:
            warnings.warn(
                f"The scheduler {self._scheduler} has no workers left; the run waits for one.",
                NoWorkerWarning,
                stacklevel=2,
            )
        workers = max(workers, 1)
        return min(self._most or workers, workers)

    def _how_to_start_one(self) -> str:
        assert self._demands is not None
        command = f"dask worker {self._scheduler} --nthreads 1"
        if self._demands.device == "cuda":
            return (
                f"--device cuda: no worker of {self._scheduler} offers a GPU. "
                f'Start one: {command} --resources "{GPU}=1"'
            )
        return f"The scheduler {self._scheduler} has no workers. Start one: {command}"


def _connected(scheduler: str) -> Client:
    """A client of a scheduler.

    Raises:
        UserError: if it does not answer.
    """
    # What goes wrong is said here, in one line.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # First, for a client that finds nobody leaves threads behind.
        kind = asyncio.run(asyncio.wait_for(_kind(scheduler), PATIENCE_S))
        if kind != "Scheduler":
            raise ValueError(f"it is a {kind}'s address")
        return Client(scheduler, timeout=PATIENCE_S, set_as_default=False)
    # Whatever is wrong with an address, or with what answers there.
    except Exception as error:
        reason = one_line(str(error)) or "it does not answer in time"
        raise UserError(
            f"--scheduler {shown(scheduler, 200)}: there is no scheduler of Dask "
            f"({shown(reason, 200)}). Start one, and give the address that it prints."
        ) from error


async def _kind(address: str) -> Any:
    """What there is at an address of Dask's."""
    arguments = Security().get_connection_args("client")
    async with rpc(address, timeout=PATIENCE_S, connection_args=arguments) as there:
        return (await there.identity())["type"]


def _unable(error: BaseException) -> str:
    return (
        f"it cannot import what jobs need ({one_line(str(error))}). "
        "Install the same there as here, and start it again."
    )


# What follows runs in workers.


def _misfit(demands: Demands, dask_worker: Worker) -> str | None:
    """Why a worker cannot be used, and what to do; None if it can."""
    threads = dask_worker.state.nthreads
    if threads != 1:
        return f"it runs {threads} jobs at a time in one process. Start it with --nthreads 1."
    return demands.fault()


def _execute(job: bytes, demands: Demands) -> Any:
    """Do a job, unless this worker cannot be used: it may have come late."""
    worker = get_worker()
    fault = _misfit(demands, worker)
    if fault is not None:
        raise refusal(worker.address, fault)
    return pickle.loads(job).execute()
