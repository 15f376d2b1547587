"""Engines: where jobs are done, on this machine or on others."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from joblib import Parallel, delayed, parallel_config
from joblib.parallel import BACKENDS, get_active_backend

from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.runner.demands import Demands, refusal
from ser_unlearn.runner.local import LOCAL
from ser_unlearn.runner.workers import Engine, Job, Outcome

DASK = "dask"

REGISTERED_BY = {
    "ray": ("ray.util.joblib", "register_ray", "ray"),
    "spark": ("joblibspark", "register_spark", "joblibspark"),
}
"""Backends of joblib that come with other packages: the module and its function that tells joblib
of them, and what pip installs."""


class Backend:
    """A backend of joblib, whose workers may be anywhere.

    Args:
        name: what joblib knows it by.
    """

    remote = True

    def __init__(self, name: str) -> None:
        self._name = name
        self._demands: Demands | None = None

    def require(self, store: str | Path, data_dir: Path | None, device: str) -> None:
        """Joblib does not say who the workers are: each looks at itself before its first job."""
        self._demands = Demands.of(store, data_dir, device)

    def count(self, wanted: int | None, device: str, jobs: int) -> int:
        """As many as the backend has."""
        with parallel_config(self._name):
            available = get_active_backend()[0].effective_n_jobs(-1)
        return min(wanted or available, jobs)

    def memory_mb(self, wanted: int | None, device: str) -> float | None:
        """Joblib does not say."""
        return None

    def outcomes(
        self, jobs: Iterator[tuple[int, Job[Outcome]]], workers: int
    ) -> Iterable[tuple[int, Outcome]]:
        """What comes of jobs; from a backend that cannot give it one by one, all in the end."""
        assert self._demands is not None
        with parallel_config(self._name):
            backend, _ = get_active_backend()
            one_by_one = backend.supports_return_generator
            done: Iterable[tuple[int, Outcome]] = Parallel(
                workers,
                return_as="generator_unordered" if one_by_one else "list",
                batch_size=1,
                pre_dispatch=workers,
            )(delayed(_checked)(self._demands, *each) for each in jobs)
        return done


def engine_named(
    name: str, scheduler: str | None, jobs: int | None
) -> AbstractContextManager[Engine]:
    """The engine of a name, which is given up in the end.

    Args:
        name: "local", "dask", or a backend of joblib.
        scheduler: the address of Dask's.
        jobs: how many at a time at most; None for as many as there are workers.

    Raises:
        UserError: if there is no such engine, it is not installed, or its scheduler is not named.
    """
    if (name == DASK) != (scheduler is not None):
        raise UserError(
            "--engine dask and --scheduler belong together: "
            "give both, as in --engine dask --scheduler tcp://host:8786, or neither."
        )
    if scheduler is not None:
        return _cluster(scheduler, jobs)
    if name == "local":
        return nullcontext(LOCAL)
    # Threads would share what a process has once: torch's random numbers and threads, caches.
    known = {*BACKENDS, *REGISTERED_BY, DASK, "local"} - {"threading"}
    if name not in known:
        raise unknown_name("engine", name, known)
    if name in REGISTERED_BY:
        module, function, package = REGISTERED_BY[name]
        try:
            getattr(importlib.import_module(module), function)()
        except ImportError as error:
            raise UserError(
                f"The engine '{name}' needs a package ({error}). Install it: pip install {package}"
            ) from error
    return nullcontext(Backend(name))


def _cluster(scheduler: str, jobs: int | None) -> AbstractContextManager[Engine]:
    try:
        from ser_unlearn.runner.cluster import Cluster
    except ImportError as error:
        raise UserError(
            f"The engine 'dask' needs distributed ({error}). "
            "Install it: pip install 'ser-unlearn[dask]'"
        ) from error
    return closing(Cluster(scheduler, jobs))


def _checked(demands: Demands, number: int, job: Job[Outcome]) -> tuple[int, Outcome]:
    fault = demands.fault()
    if fault is not None:
        raise refusal(platform.node(), fault)
    return number, job.execute()
