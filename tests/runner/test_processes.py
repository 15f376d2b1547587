"""Runs in processes of their own: side by side, killed, and beside what was damaged."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from workplaces import GRID, ROWS, SMALL, Workplace, steady

pytestmark = pytest.mark.slow


def test_one_worker_gives_what_four_give(workplace: Workplace, tmp_path: Path):
    four = Workplace(tmp_path, tmp_path / "store")
    done = four.process("run", *GRID, "--jobs", "4")
    assert done.returncode == 0, done.stderr
    assert steady(workplace.records()) == steady(four.records())


def test_a_killed_run_goes_on_where_it_was(workplace: Workplace, tmp_path: Path):
    place = Workplace(tmp_path, tmp_path / "store")
    place.take_corpus(workplace)
    process = place.start("run", *GRID, "--jobs", "2", start_new_session=True)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("results/*/*/*/*/*.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    survivors = place.records()
    assert 0 < len(survivors) < len(ROWS)

    done = place("run", *GRID)
    assert done.exit_code == 0, done.stderr
    assert steady(place.records()) == steady(workplace.records())
    assert set(map(str, survivors)) <= set(map(str, place.records()))


def test_a_damaged_artefact_is_made_again(workplace: Workplace, tmp_path: Path):
    place = Workplace(tmp_path, tmp_path / "store")
    place.take_corpus(workplace)
    shutil.copytree(workplace.store / "models", place.store / "models")
    for path in place.store.glob("models/*/*.safetensors"):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    done = place.process("run", *SMALL, "--method", "original")
    assert done.returncode == 0
    assert "is damaged (its checksum does not match); it is made again" in done.stderr
    (record,) = place.records()
    expected = steady(workplace.records())
    assert steady([record])[str(record.path)] == expected[str(record.path)]
