"""What running side by side costs: the default suite, against an ideal division of its jobs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from joblib import cpu_count
from rich.console import Console

from ser_unlearn.runner.grid import Options
from ser_unlearn.runner.run import run
from ser_unlearn.runner.suite import Suite

if TYPE_CHECKING:
    from conftest import Alone, Ratios

TARGET = 1.25


def test_the_default_suite_side_by_side(
    suite: Suite,
    alone: Alone,
    make_store: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ratios: Ratios,
):
    def side_by_side() -> float:
        environment = {**os.environ, "SER_UNLEARN_CACHE": str(make_store("side_by_side"))}
        command = "from ser_unlearn.cli import main; main()"
        results = str(tmp_path / "side_by_side")
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", command, "run", "default", "--results", results],
            env=environment,
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - start

    wall = ratios.once(side_by_side)
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(alone.store))
    records = run(suite, {}, Options(alone.results, jobs=1), Console(file=io.StringIO()))
    assert {record.status for record in records} <= {"done", "unsupported"}
    ideal = sum(alone.seconds.values()) / cpu_count()
    ratios.note(f"the default suite on {cpu_count()} cores, against its jobs alone over the cores",
                [wall], [ideal], TARGET)  # fmt: skip
