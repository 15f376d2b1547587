"""Runs that are killed, that share a store, whose disk is full or damaged: all the same records."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from disks import small_disk_at
from small import Copy, grid, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

ARGUMENTS = (
    *grid("original", "scrub", "gradient_ascent"),
    *("--runs", "4"),
)
FEWER = grid("original", "scrub", "gradient_ascent")
"""A quarter of them."""
VICTIMS = ["run"] * 2 + ["server"] * 2 + ["worker"] * 16
"""Whom to kill; a method that is killed is a failure of its own."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("kills"))
    done = made(*ARGUMENTS, "--jobs", "1", "--results", "alone", store="alone-store")
    assert done.returncode == 0, done.stderr
    return made


def victims(run: subprocess.Popen[str], kind: str) -> list[psutil.Process]:
    """The processes of a kind that belong to a run."""
    if kind == "run":
        return [psutil.Process(run.pid)]
    servers = [each for each in children(run.pid) if "forkserver" in " ".join(each.cmdline())]
    if kind == "server":
        return servers
    return [
        child
        for server in servers
        for child in children(server.pid)
        # Unlike a method's, it belongs to the session of its run, and has begun to watch it.
        if child.num_threads() > 1 and os.getsid(child.pid) == os.getsid(run.pid)
    ]


def children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children()


def test_twenty_kills_lose_nothing_and_change_nothing(copy: Copy):
    order = VICTIMS.copy()
    random.shuffle(order)
    print("killed:", *order)
    rounds = iter(range(10))
    number, run = 0, None
    while order:
        if run is None or run.poll() is not None:
            if run is not None:
                assert "Traceback" not in run.communicate()[1]
            if run is None or run.returncode == 0:
                # It was done before the last was killed.
                number = next(rounds)
            run = start(copy, number)
        if strike(copy, run, order[0], number):
            order.pop(0)
    assert run is not None
    assert "Traceback" not in run.communicate()[1]
    for each in range(number + 1):
        done = copy(*ARGUMENTS, "--results", f"killed{each}", store=f"store{each}")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert copy.steady(f"killed{each}") == copy.steady("alone")
    wait_until(lambda: not copy.orphans(), 5)


def start(copy: Copy, number: int) -> subprocess.Popen[str]:
    return copy.start(
        *ARGUMENTS, "--jobs", "2", "--results", f"killed{number}", store=f"store{number}"
    )


def strike(copy: Copy, run: subprocess.Popen[str], kind: str, number: int) -> bool:
    """Kill a process of a run at a random moment after it got something done; whether it was there.

    Workers that die again and again, with nothing done in between, end a run.
    """

    def progress() -> int:
        store = copy.folder / f"store{number}"
        made = [*store.glob("models/*/*.json"), *store.glob("unlearned/*/*.json")]
        return len(made) + len(copy.records(f"killed{number}"))

    before = progress()
    wait_until(lambda: progress() > before or run.poll() is not None)
    time.sleep(random.uniform(0, 0.5))
    try:
        found = victims(run, kind)
        if run.poll() is not None or not found:
            return False
        os.kill(random.choice(found).pid, signal.SIGKILL)
    except (psutil.Error, ProcessLookupError):
        return False
    if kind == "run":
        # It cannot tell those that it started: they look after its end by themselves.
        wait_until(lambda: not copy.orphans(), 5)
    return True


def test_two_runs_at_once_on_one_store(copy: Copy):
    """Workers six to one, and the same records."""
    both = [
        copy.start(*ARGUMENTS, "--jobs", jobs, "--results", jobs, store="both")
        for jobs in ("2", "4")
    ]
    errors = [run.communicate()[1] for run in both]
    assert [run.returncode for run in both] == [0, 0], errors
    assert not any("Traceback" in text or "Warning" in text for text in errors)
    assert copy.steady("2") == copy.steady("4") == copy.steady("alone")
    # What one had made the other took: what it cost is the same to the last digit.
    assert costs(copy, "2") == costs(copy, "4")


def costs(copy: Copy, results: str) -> dict[str, Any]:
    return {path: each["metrics"]["runtime_s"] for path, each in copy.records(results).items()}


@pytest.fixture
def small_disk(copy: Copy) -> Iterator[Path]:
    with small_disk_at(copy.folder / "disk", "400k") as folder:
        yield folder


def fewer(copy: Copy) -> dict[str, Any]:
    """What an undisturbed run says of `FEWER`."""
    return {path: each for path, each in copy.steady("alone").items() if "model0-forget0" in path}


def test_a_run_whose_disk_is_full_goes_on_when_there_is_room(copy: Copy, small_disk: Path):
    done = copy(*FEWER, "--results", "full", store="disk")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "disk cannot be written" in done.stderr.splitlines()[-1]
    assert {record["status"] for record in copy.records("full").values()} <= {"done"}
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    done = copy(*FEWER, "--results", "full", store="disk")
    assert done.returncode == 0, done.stderr
    assert copy.steady("full") == fewer(copy)


def test_damaged_models_are_made_again(copy: Copy):
    store = copy.folder / "damaged"
    shutil.copytree(copy.folder / "alone-store", store)
    shutil.rmtree(store / "unlearned")
    for path in store.glob("models/*/*.safetensors"):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    done = copy(*FEWER, "--results", "mended", store="damaged")
    assert done.returncode == 0, done.stderr
    assert "is damaged (its checksum does not match); it is made again" in done.stderr
    assert copy.steady("mended") == fewer(copy)
