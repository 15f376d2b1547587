"""Whatever a method does is one record, and nothing that it touches is seen by another."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from small import Copy, grid, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

SOUND = ("original", "retrain", "scrub", "gradient_ascent", "ssd")

OUTCOMES = {
    "raise": ("failed", "RuntimeError: this cannot work xxx"),
    "spoil": ("done", ""),
    "exit": ("failed", "SystemExit: 0"),
    "os_exit": ("failed", "its process ended with exit status 0 before it was done"),
    "kill": ("failed", "killed by signal 9"),
    "segfault": ("failed", "killed by signal 11"),
    "interrupt": ("failed", "KeyboardInterrupt"),
    "own": ("failed", "OwnError: mine"),
    "unreadable": ("failed", "UnreadableError: (its text cannot be read)"),
    "swallow": ("timeout", "stopped after 4 s"),
    "busy": ("timeout", "stopped after 4 s"),
    "alarm": ("timeout", "stopped after 4 s"),
    "greedy": ("memory", "stopped at 500 MB of memory"),
    "thread": ("done", ""),
    "fork": ("done", ""),
    "daemon": ("done", ""),
    "print": ("done", ""),
    "flood": ("failed", "stopped after 10 MB of output"),
    "nothing": ("failed", "AttributeError: "),
    "other": ("failed", "it returns no model of the recipe: "),
    "garbage": ("failed", "its process "),
    "close": ("failed", "its process "),
    "ask": ("failed", "UndeclaredDataError: The method asked for 'heldout'"),
    "cheap": ("done", ""),
}
"""By what `faulty.py` does: the status, and how the reason begins."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("faults"))
    text = (Path(__file__).parent / "faulty.py").read_text()
    variants = "".join(f'"{how}": {{"how": "{how}"}}, ' for how in OUTCOMES if how != "raise")
    declared = f'needs = frozenset({{"forget", "retain"}})\n    variants = {{{variants}}}'
    text = text.replace('needs = frozenset({"forget", "retain"})', declared)
    (made.package / "methods" / "faulty.py").write_text(text)
    done = made(*grid(*SOUND), "--jobs", "1", "--results", "alone")
    assert done.returncode == 0, done.stderr
    return made


def sound(copy: Copy, results: str) -> dict[str, Any]:
    """Of the sound methods' records, what must not depend on their neighbours."""
    return {
        path: record
        for path, record in copy.steady(results).items()
        if record["method"] != "faulty"
    }


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_every_fault_is_a_record_and_no_neighbour_sees_it(copy: Copy, jobs: str):
    faults = ["faulty" if how == "raise" else f"faulty-{how}" for how in OUTCOMES]
    rows = [row for pair in zip(faults, SOUND * 5, strict=False) for row in pair]
    # The sound ones run anew, and their models too.
    done = copy(
        *grid(*dict.fromkeys(rows)), "--jobs", jobs, "--timeout", "4", "--max-memory", "500",
        "--results", f"among{jobs}", store=f"store{jobs}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    records = copy.records(f"among{jobs}")
    assert sound(copy, f"among{jobs}") == sound(copy, "alone")
    found = {
        record["parameters"]["how"]: record
        for record in records.values()
        if record["method"] == "faulty"
    }
    assert set(found) == set(OUTCOMES)
    for how, (status, reason) in OUTCOMES.items():
        record = found[how]
        assert (how, record["status"]) == (how, status), record["reason"]
        assert record["reason"].startswith(reason), how
        assert len(record["reason"]) <= 300
        assert "\n" not in record["reason"]
    logs = copy.folder / f"store{jobs}"
    assert (logs / found["print"]["log"]).read_text() == "hello from the method\nand its error\n"
    assert found["os_exit"]["log"] is None
    # What the harness gave it has its price, whatever the method says.
    assert found["cheap"]["metrics"]["flops_ratio"] == 1
    time.sleep(1)
    assert copy.orphans() == []


def test_a_run_that_is_ended_leaves_nobody_behind_and_goes_on(copy: Copy):
    """Twice, the second a record further than the first; `test_kills` has SIGKILL."""
    arguments = (*grid(*SOUND, "faulty-busy"), "--jobs", "2", "--timeout", "60")
    for name in ("SIGTERM", "SIGINT"):
        before = len(copy.records("ended"))
        process = copy.start(*arguments, "--results", "ended", store="ended-store")
        while len(copy.records("ended")) == before and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(getattr(signal, name))
        asked = time.monotonic()
        _, err = process.communicate()
        assert time.monotonic() - asked < 3
        assert process.returncode == 128 + getattr(signal, name)
        assert err.splitlines()[-1].startswith(f"Stopped by {name}. What is done is kept")
        assert "Traceback" not in err
        wait_until(lambda: not copy.orphans(), 5)

    survivors = copy.records("ended")
    assert 0 < len(survivors) < len(SOUND)
    done = copy(*grid(*SOUND), "--jobs", "2", "--results", "ended", store="ended-store")
    assert done.returncode == 0, done.stderr
    assert sound(copy, "ended") == sound(copy, "alone")
    assert survivors.items() <= copy.records("ended").items()


def test_a_failure_of_the_disk_is_no_methods_failure(copy: Copy):
    """A file stands where the store's folder of unlearned models would be."""
    store = copy.folder / "broken"
    shutil.copytree(copy.folder / "store", store)
    shutil.rmtree(store / "unlearned")
    (store / "unlearned").write_text("no folder")
    done = copy(*grid("scrub"), "--jobs", "1", "--results", "broken-results", store="broken")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "broken cannot be written" in done.stderr.splitlines()[-1]
    assert copy.records("broken-results") == {}
