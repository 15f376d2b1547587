"""Engines: which there are, and which workers they refuse."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from distributed import Client, LocalCluster, Scheduler, SpecCluster, Worker, get_worker

from ser_unlearn.cli import main
from ser_unlearn.errors import UserError
from ser_unlearn.runner.cluster import Cluster, NoWorkerWarning
from ser_unlearn.runner.demands import Demands
from ser_unlearn.runner.engines import engine_named


@dataclasses.dataclass(frozen=True)
class Doubling:
    """A job as small as can be."""

    number: int

    @property
    def title(self) -> str:
        return f"double {self.number}"

    def execute(self) -> int:
        return 2 * self.number


class Asking:
    """A job that says which worker does it."""

    title = "ask"

    def execute(self) -> object:
        return get_worker().name


def local(**options: object) -> LocalCluster:
    """A cluster in this process."""
    given = {"n_workers": 1, **options}
    return LocalCluster(processes=False, dashboard_address=None, protocol="tcp", **given)


@contextmanager
def cluster(**options: object) -> Iterator[str]:
    """The address of the scheduler of one."""
    with local(**options) as made:
        yield made.scheduler_address


def refused(address: str, store: Path, device: str = "cpu", data_dir: Path | None = None) -> str:
    """What is said of a cluster that cannot be used."""
    with closing(Cluster(address, None)) as engine, pytest.raises(UserError) as error:
        engine.require(store, data_dir, device)
    return str(error.value)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--engine", "dusk"], "There is no engine 'dusk'. Did you mean dask?"),
        (["--engine", "threading"], "There is no engine 'threading'."),
        (["--engine", "dask"], "--engine dask and --scheduler belong together: "),
        (["--scheduler", "tcp://a:1"], "--engine dask and --scheduler belong together: "),
        (["--engine", "spark"], "The engine 'spark' needs a package ("),
    ],
)
def test_an_engine_that_cannot_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], line: str
):
    monkeypatch.setitem(sys.modules, "joblibspark", None)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["run", *arguments])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {line}")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "", "tcp://127.0.0.1"])
def test_a_scheduler_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
):
    monkeypatch.setattr("ser_unlearn.runner.cluster.PATIENCE_S", 1)
    begun = time.monotonic()
    said = refused(address, tmp_path)
    assert said.startswith(f"--scheduler {address}: there is no scheduler of Dask (")
    assert time.monotonic() - begun < 3


def test_the_address_of_a_worker_is_no_schedulers(tmp_path: Path):
    with cluster() as address, Client(address) as client:
        (worker,) = client.scheduler_info()["workers"]
        assert "(it is a Worker's address)" in refused(worker, tmp_path)


def test_a_cluster_without_workers_is_refused(tmp_path: Path):
    with cluster(n_workers=0) as address:
        assert refused(address, tmp_path) == (
            f"The scheduler {address} has no workers. Start one: dask worker {address} --nthreads 1"
        )


def test_workers_with_threads_are_refused(tmp_path: Path):
    with cluster(threads_per_worker=2) as address:
        assert refused(address, tmp_path).endswith(
            " is refused: it runs 2 jobs at a time in one process. Start it with --nthreads 1."
        )


def test_a_gpu_is_a_resource(tmp_path: Path):
    with cluster(threads_per_worker=1) as address:
        assert refused(address, tmp_path, "cuda") == (
            f"--device cuda: no worker of {address} offers a GPU. Start one: "
            f'dask worker {address} --nthreads 1 --resources "GPU=1"'
        )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_who_offers_a_gpu_must_have_one(tmp_path: Path):
    with cluster(threads_per_worker=1, resources={"GPU": 1}) as address:
        assert refused(address, tmp_path, "cuda").endswith(
            " is refused: torch finds no GPU there. Mend that, or use --device cpu."
        )


def test_of_two_workers_the_one_that_offers_a_gpu_gets_the_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Demands, "_fault", lambda demands: None)
    workers = {
        name: {"cls": Worker, "options": {"nthreads": 1, "resources": resources}}
        for name, resources in (("without", {}), ("with", {"GPU": 1}))
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard": False, "port": 0}}
    with (
        SpecCluster(workers, scheduler, silence_logs=False) as made,
        closing(Cluster(made.scheduler_address, None)) as engine,
    ):
        engine.require(tmp_path, None, "cuda")
        assert engine.count(None, "cuda", 9) == 1
        jobs = ((number, Asking()) for number in range(4))
        assert {name for _, name in engine.outcomes(jobs, 2)} == {"with"}


def test_a_run_waits_for_a_worker_when_all_are_lost(tmp_path: Path):
    with (
        local(threads_per_worker=1) as made,
        closing(Cluster(made.scheduler_address, None)) as engine,
    ):
        engine.require(tmp_path, None, "cpu")
        made.scale(0)
        while engine._workers():
            time.sleep(0.05)
        with pytest.warns(NoWorkerWarning, match="no workers left; the run waits for one"):
            assert engine.count(None, "cpu", 9) == 1
        made.scale(1)
        jobs = [(number, Doubling(number)) for number in range(2)]
        assert dict(engine.outcomes(iter(jobs), 1)) == {0: 0, 1: 2}


@pytest.mark.parametrize("name", ["sequential", "multiprocessing"])
def test_backends_of_joblib_do_jobs(tmp_path: Path, name: str):
    with engine_named(name, None, None) as engine:
        engine.require(tmp_path, None, "cpu")
        jobs = [(number, Doubling(number)) for number in range(5)]
        assert dict(engine.outcomes(iter(jobs), 2)) == {0: 0, 1: 2, 2: 4, 3: 6, 4: 8}


def test_what_a_worker_lacks_is_said(tmp_path: Path):
    ours = Demands.of(tmp_path, tmp_path, "cpu")
    assert ours.fault() is None

    def changed(**parts: object) -> str:
        said = dataclasses.replace(ours, **parts).fault()
        assert said is not None
        return said

    version = dict(ours.versions)["torch"]
    versions = tuple({**dict(ours.versions), "torch": "9"}.items())
    assert changed(versions=versions).startswith(f"its torch is {version}, not 9. Install")
    code = tuple((name, "9") for name, _ in ours.code[:2]) + ours.code[2:]
    first, second = (name for name, _ in ours.code[:2])
    assert changed(code=code).startswith(f"its code is another in {first}, {second}. Install")
    assert changed(code=()).startswith("its code is another in ")
    assert " more. Install" in changed(code=())
    assert changed(store=tmp_path / "other").startswith("it does not see the store ")
    assert changed(mark="other").startswith("it does not see the store ")
    assert changed(data_dir=tmp_path / "x").startswith("it does not see the recordings in ")


def test_code_is_that_of_harness_methods_recipes_and_cards(tmp_path: Path):
    names = {name for name, _ in Demands.of(tmp_path, None, "cpu").code}
    assert {
        "runner/demands.py",
        "recogniser/recipes/tiny.yaml",
        "methods/scrub.py",
        "methods/_batches.py",
        "datasets/espeak.yaml",
    } <= names
