"""Workplaces: folders with a store and results of their own, in which the command line runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ser_unlearn.cli import main
from ser_unlearn.results.records import Record, read_records
from ser_unlearn.runner import places

ROWS = ("original", "retrain", "finetune", "gradient_ascent", "scrub", "ssd")
"""Methods of every kind: none, retain set, forget set, both, and what was kept from training."""
SMALL = ("--recipe", "tiny", "--runs", "1", "--references", "2", "--jobs", "1")
GRID = (*SMALL, "--scenario", "random:16", *(word for row in ROWS for word in ("--method", row)))


class Workplace:
    """A folder with a store and results of its own.

    Args:
        folder: where commands run.
        store: what SER_UNLEARN_CACHE names.
        package: the folder with another copy of the package, for processes.
    """

    def __init__(self, folder: Path, store: Path, package: Path | None = None) -> None:
        self.folder = folder
        self.store = store
        self.package = package
        self.tables: list[Path] = []
        """Those of the first run: other tests add to the store."""

    def __call__(self, *arguments: str) -> Result:
        """Run a command in this process, as if it were a fresh one."""
        for loaded in (places._setup, places._request, places._auditor, places._reference):
            loaded.cache_clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("SER_UNLEARN_CACHE", str(self.store))
            return CliRunner().invoke(main, list(arguments), catch_exceptions=False)

    def process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a process of its own."""
        environment = {**os.environ, "SER_UNLEARN_CACHE": str(self.store)}
        if self.package:
            environment["PYTHONPATH"] = str(self.package)
        return subprocess.run(
            [sys.executable, "-m", "ser_unlearn", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def store_tables(self) -> list[Path]:
        """The tables of all unlearned models that are in the store now."""
        return list(self.store.glob("unlearned/*/*.parquet"))

    def records(self, results: str = "results") -> list[Record]:
        return list(read_records(self.folder / results))


def take_corpus(source: Path, store: Path) -> None:
    """Put into a store all that another has."""
    shutil.copytree(source, store, copy_function=os.link, dirs_exist_ok=True)
