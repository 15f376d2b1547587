"""What running side by side costs: suites, against an ideal division of their jobs."""

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

from ser_unlearn.recogniser.setup import Setup
from ser_unlearn.results.store import Store
from ser_unlearn.runner.grid import Options
from ser_unlearn.runner.run import run
from ser_unlearn.runner.suite import Suite, load_suite

if TYPE_CHECKING:
    from conftest import Alone, Ratios

TARGET = 1.15

ROWS = ("original", "gradient_ascent", "npo", "random_label")
"""Of the cell of `paper`, with one run and without shadow models: all would take hours."""


def side_by_side(name: str, suite: Suite, store: Path, results: Path, *options: str) -> float:
    """Run a part of a suite from the command line; the seconds that it took."""
    words = ["run", name, "--results", str(results), *options]
    words += ["--runs", str(suite.runs), "--references", str(suite.references)]
    for option, values in (("scenario", suite.scenarios), ("method", suite.methods)):
        words += [word for value in values for word in (f"--{option}", value)]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from ser_unlearn.cli import main; main()", *words],
        env={**os.environ, "SER_UNLEARN_CACHE": str(store)},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


def one_by_one(suite: Suite, alone: Alone, results: Path, data_dir: Path | None = None) -> float:
    """Run a suite in this process; the seconds that its jobs took, over the cores."""
    options = Options(results, data_dir, jobs=1, engine=alone.engine)
    records = run(suite, {}, options, Console(file=io.StringIO()))
    assert {record.status for record in records} <= {"done", "unsupported"}
    (corpus,) = suite.corpora
    spent = [seconds for title, seconds in alone.engine.seconds.items() if f" {corpus} " in title]
    return sum(spent) / cpu_count()


def note(ratios: Ratios, what: str, wall: float, ideal: float) -> None:
    title = f"{what}, on {cpu_count()} cores, against its jobs alone over the cores"
    ratios.note(title, [wall], [ideal], TARGET)


def test_the_default_suite_side_by_side(
    suite: Suite,
    alone: Alone,
    make_store: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ratios: Ratios,
):
    store = make_store("side_by_side")
    wall = ratios.once(lambda: side_by_side("default", suite, store, tmp_path / "results"))
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(alone.store))
    ideal = one_by_one(suite, alone, alone.results)
    note(ratios, "the suite `default`, one run", wall, ideal)


def test_a_cell_of_the_suite_paper_side_by_side(
    alone: Alone,
    recordings: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ratios: Ratios,
):
    folder = recordings("ravdess")
    cell = {"corpora": ["ravdess"], "scenarios": ["random:16"], "methods": list(ROWS)}
    fewer = {"runs": 1, "references": 2, "attacks": "simple"}
    suite = load_suite("paper").model_copy(update={**cell, **fewer})
    stores = [tmp_path / name for name in ("side_by_side", "alone")]
    for store in stores:
        assert Setup("ravdess", "ecapa", folder, "cpu", Store(store)).features
    options = ("--corpus", "ravdess", "--data-dir", str(folder), "--attacks", "simple")
    wall = ratios.once(
        lambda: side_by_side("paper", suite, stores[0], tmp_path / "results", *options)
    )
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(stores[1]))
    ideal = one_by_one(suite, alone, tmp_path / "alone_results", folder)
    note(ratios, f"a cell of `paper` on RAVDESS, {len(ROWS)} rows", wall, ideal)
