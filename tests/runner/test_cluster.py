"""The grid on a Dask cluster of processes: its records, its losses, and whom it refuses."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing

import psutil
import pytest
from checkouts import copy_package
from clusters import Processes
from distributed import Client
from small import Copy, grid, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

ROWS = ("original", "retrain", "scrub", "gradient_ascent", "ssd")
WAIT_S = 120


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("cluster"))
    done = made(*grid(*ROWS), "--jobs", "1", "--results", "local", store="local-store")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def cluster(copy: Copy) -> Iterator[Processes]:
    """One worker with a nanny and one without; none is left when their cluster is stopped."""
    with closing(Processes(copy.folder)) as started:
        started.worker("--nthreads", "1")
        started.worker("--nthreads", "1", "--no-nanny", "--name", "alone")
        yield started
    wait_until(lambda: not copy.orphans(), 5)


@pytest.fixture(scope="module")
def client(cluster: Processes) -> Iterator[Client]:
    """Sees what the cluster does."""
    with Client(cluster.address, set_as_default=False) as connected:
        connected.wait_for_workers(2, timeout=WAIT_S)
        yield connected


def on(cluster: Processes) -> tuple[str, ...]:
    return "--engine", "dask", "--scheduler", cluster.address


def test_a_worker_that_differs_is_named(copy: Copy, cluster: Processes, client: Client):
    other = copy.folder / "other"
    package = copy_package(other)
    (package / "cards" / "small.yaml").write_text((copy.package / "cards/small.yaml").read_text())
    method = package / "methods" / "scrub.py"
    method.write_text(method.read_text() + "# changed\n")
    process = cluster.worker("--nthreads", "1", "--no-nanny", "--name", "odd", package=other)
    client.wait_for_workers(3, timeout=WAIT_S)
    workers = client.scheduler_info(n_workers=-1)["workers"]
    (address,) = (each for each, worker in workers.items() if worker["name"] == "odd")

    refused = copy(*grid(*ROWS), *on(cluster), "--results", "refused", store="refused-store")
    assert refused.returncode == 2
    assert refused.stderr == (
        f"Error: The worker {address} is refused: its code is another in methods/scrub.py. "
        "Install the same there, and start it again.\n"
    )
    assert copy.records("refused") == {}
    process.terminate()
    process.wait()


def test_ctrl_c_takes_back_what_was_handed_out(copy: Copy, cluster: Processes, client: Client):
    arguments = (*grid(*ROWS), *on(cluster), "--results", "stopped")
    process = copy.start(*arguments, store="stopped-store")
    wait_until(lambda: any(client.processing().values()))
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, err = process.communicate()
    assert time.monotonic() - asked < 3
    assert process.returncode == 128 + signal.SIGINT
    assert err.splitlines()[-1].startswith("Stopped by SIGINT. What is done is kept")
    assert "Traceback" not in err
    wait_until(lambda: not any(client.processing().values()))


def test_a_cluster_that_loses_a_worker_gives_what_one_process_gives(
    copy: Copy, cluster: Processes, client: Client
):
    workers = client.scheduler_info(n_workers=-1)["workers"]
    (victim,) = (each for each, worker in workers.items() if worker["name"] == "alone")
    pid = client.run(os.getpid, workers=[victim])[victim]
    process = copy.start(*grid(*ROWS), *on(cluster), "--results", "there", store="there-store")
    wait_until(lambda: client.processing().get(victim) and copy.records("there"))
    below = psutil.Process(pid).children(recursive=True)
    os.kill(pid, signal.SIGKILL)
    _, left = psutil.wait_procs(below, 5)
    assert left == []
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert copy.steady("there") == copy.steady("local")
    # Nothing lies where a worker happened to be started.
    assert not any(copy.folder.glob("elsewhere/*"))


def test_without_its_scheduler_a_run_ends_and_goes_on_elsewhere(
    copy: Copy, cluster: Processes, client: Client
):
    arguments = (*grid(*ROWS), "--results", "gone")
    process = copy.start(*arguments, *on(cluster), store="gone-store")
    wait_until(lambda: copy.records("gone"))
    cluster.scheduler.kill()
    _, err = process.communicate()
    assert process.returncode == 3, err
    assert err.splitlines()[-1] == (
        f"Error: The scheduler {cluster.address} is gone. "
        "What is done is kept: run the same command again, and it goes on."
    )
    assert "Traceback" not in err
    done = copy(*arguments, "--jobs", "1", store="gone-store")
    assert done.returncode == 0, done.stderr
    assert copy.steady("gone") == copy.steady("local")
