"""Workers of this machine that die while they work."""

from __future__ import annotations

import multiprocessing.process
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ser_unlearn.errors import EngineError
from ser_unlearn.runner.local import LOCAL, MOST_LOSSES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]


@dataclass(frozen=True)
class Dying:
    """A job that kills its worker as often as it is told to."""

    folder: Path
    seconds: float
    deaths: int

    title = "die"

    def execute(self) -> int:
        time.sleep(self.seconds)
        deaths = len(list(self.folder.iterdir()))
        if deaths < self.deaths:
            (self.folder / str(deaths)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return deaths


def test_a_worker_that_dies_unseen_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The last job's worker dies before the pool knows it: it was slow to come, and nothing else
    happens after."""
    start = multiprocessing.process.BaseProcess.start

    def slow_start(process: multiprocessing.process.BaseProcess) -> None:
        start(process)
        time.sleep(0.3)

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", slow_start)
    jobs = enumerate([Dying(tmp_path, 0.15, 0), Dying(tmp_path, 0.1, 1)])
    assert sorted(LOCAL.outcomes(jobs, 2)) == [(0, 0), (1, 1)]


def test_a_job_that_always_kills_its_worker_ends_the_run(tmp_path: Path):
    with pytest.raises(EngineError, match=f"Workers died {MOST_LOSSES} times in a row at: die"):
        list(LOCAL.outcomes(enumerate([Dying(tmp_path, 0, 99)]), 1))
    assert len(list(tmp_path.iterdir())) == MOST_LOSSES
