"""A copy of the package with a corpus of its own, small enough to run methods on in seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import psutil
from checkouts import copy_package
from sounds import write_corpus

CARD = """
name: small
title: Tones in noise
licence: none
citation: none
language: none
utterances: 24
speakers: 4
emotions: [anger, neutral]
sources:
  - kind: folder
    pattern: '(?P<speaker>\\d\\d)(?P<statement>[a-c])(?P<emotion>[WN])\\.wav'
    codes: {emotion: {W: anger, N: neutral}}
"""


class Copy:
    """A copy of the package with the corpus `small`.

    Args:
        folder: where everything lies, and commands run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = copy_package(folder)
        (self.package / "cards" / "small.yaml").write_text(CARD)
        names = ["".join(each) for each in product(("01", "02", "03", "04"), "abc", "WN")]
        write_corpus(folder / "recordings", names)

    def start(self, *arguments: str, store: str = "store") -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "ser_unlearn", *arguments, "--data-dir", "recordings"],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.folder),
                "SER_UNLEARN_CACHE": store if "://" in store else str(self.folder / store),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, store: str = "store") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*arguments, store=store)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def replace(self, module: str, *changes: tuple[str, str]) -> None:
        """Change the text of a module."""
        path = self.package / module
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def records(self, results: str = "results") -> dict[str, dict[str, Any]]:
        """What the records say, by their paths."""
        found = {}
        # Unlike `glob`, it does not mind folders that come and go, as probes of a run do.
        for folder, _, names in os.walk(self.folder / results):
            for name in names:
                if name.endswith(".json"):
                    path = Path(folder, name)
                    record = json.loads(path.read_text())
                    found[path.relative_to(self.folder / results).as_posix()] = record
        return found

    def steady(self, results: str) -> dict[str, dict[str, Any]]:
        """All that the records say, what depends on how busy the machine is aside."""
        records = self.records(results)
        for record in records.values():
            for name in COSTS:
                record["metrics"].pop(name, None)
        return records

    def orphans(self) -> list[str]:
        """What runs of this copy's processes."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("PYTHONPATH") == str(self.folder):
                    found.append(" ".join(process.cmdline()))
            except (psutil.Error, OSError):
                continue
        return found


COSTS = {"runtime_s", "speedup", "peak_memory_mb"}
"""Metrics that depend on how busy the machine is."""


def wait_until(condition: Callable[[], Any], seconds: float = 120) -> None:
    """Wait for something to become true, and fail if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def grid(*methods: str) -> tuple[str, ...]:
    """The arguments of a run of some rows on the corpus `small`, one forget set each."""
    return (
        "run", "--corpus", "small", "--recipe", "tiny", "--scenario", "random:4",
        "--runs", "1", "--references", "2",
        *(word for method in methods for word in ("--method", method)),
    )  # fmt: skip
