"""A Dask cluster of processes, started by Dask's own commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


class Processes:
    """A scheduler with workers that run a copy of the package.

    Args:
        folder: of the copy. Workers start in another one, which they leave empty.
    """

    def __init__(self, folder: Path) -> None:
        self._copy = folder
        self._elsewhere = folder / "elsewhere"
        self._elsewhere.mkdir()
        said = folder / "scheduler.json"
        self.scheduler = self._start(
            folder, "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(said)
        )
        while not said.exists():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address: str = json.loads(said.read_text())["address"]
        self._workers: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        """End all of them."""
        started = (*self._workers, self.scheduler)
        for each in started:
            each.terminate()
        for each in started:
            each.wait(20)

    def worker(self, *options: str, package: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a worker; `package` is the folder of another copy."""
        process = self._start(package or self._copy, "worker", self.address, *options)
        self._workers.append(process)
        return process

    def _start(self, package: Path, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
            cwd=self._elsewhere,
            env={**os.environ, "PYTHONPATH": str(package), "SER_UNLEARN_CACHE": "/nowhere"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
