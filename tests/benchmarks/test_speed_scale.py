"""What very many jobs and records cost, and a finished suite: against the import of torch.

`pytest tests/benchmarks/test_speed_scale.py --benchmark-only -s` says seconds and memory, too. It
takes ten minutes or so, and 2 GB of disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from crowds import RESULTS, crowd, write

from ser_unlearn.results.records import read_records
from ser_unlearn.runner.grid import (
    Options,
    grid,
    has_record,
    order,
    place_of,
    request_of,
    rows,
    trainings,
)
from ser_unlearn.runner.suite import Suite, load_suite
from ser_unlearn.runner.trainings import awaited
from ser_unlearn.unlearning.registry import list_methods

if TYPE_CHECKING:
    from conftest import Ratios

COUNT = 100_000
COMMAND = (sys.executable, "-m", "ser_unlearn")


class Cost(NamedTuple):
    seconds: float
    megabytes: float | None = None
    """Of memory, at most; None where it was not measured."""


# A process begins with the largest memory of the one that it was forked from: this one is small.
MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def cost_of(command: Sequence[str], **environment: str) -> Cost:
    """What a command takes on the wall, and its largest memory."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, memory = map(float, done.stdout.split())
    return Cost(seconds, memory / (1e6 if sys.platform == "darwin" else 1e3))


def note(ratios: Ratios, what: str, cost: Cost) -> None:
    """Keep how long something took beside the import of torch, and beside a bare interpreter."""
    for name, code in (("import torch", "import torch"), ("python -c pass", "pass")):
        reference = cost_of([sys.executable, "-c", code])
        ratios.note(f"{what}, against {name}", [cost.seconds], [reference.seconds])
    memory = "" if cost.megabytes is None else f", {cost.megabytes:.0f} MB at most"
    print(f"\n{what}: {cost.seconds:.2f} s{memory}")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store that knows the embedded corpus, and has no model."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_UNLEARN_CACHE", str(folder))
        assert place_of("espeak", "ecapa", Options(folder)).setup().split
        yield folder


def large_suite() -> Suite:
    """As many jobs as `COUNT` says: 5,000 forget requests, each answered by 20 methods."""
    methods = [row for info in list_methods().values() for row in info.rows][:20]
    return Suite(
        description="many",
        corpora=["espeak"],
        recipes=["ecapa"],
        scenarios=[f"random:{size}" for size in range(4, 14)],
        methods=methods,
        runs=COUNT // len(methods) // 10,
        references=3,
        timeout_s=600,
    )


def fill(suite: Suite, options: Options) -> None:
    """Write the records of a suite, with numbers that mean nothing."""
    (any_record,) = [each for each in crowd(500) if each.label == "scrub"][:1]
    for job in grid(suite, rows(suite, {}), options, {}):
        changes = {
            "corpus": job.place.corpus,
            "scenario": job.scenario,
            "label": job.row.label,
            "method": job.row.method,
            "needs": sorted(job.row.needs),
            "parameters": dict(job.row.parameters),
            "seeds": job.seeds,
            "fingerprint": job.fingerprint,
            "revisions": dict(job.wanted),
            "references": job.references,
        }
        write(options.results, any_record.model_copy(update=changes))


@pytest.mark.parametrize("records", ["absent", "present"])
def test_planning(records: str, store: Path, tmp_path: Path, ratios: Ratios):
    suite, options = large_suite(), Options(tmp_path)
    if records == "present":
        fill(suite, options)

    def plan() -> int:
        jobs = list(grid(suite, rows(suite, {}), options, {}))
        assert len(jobs) == COUNT
        assert awaited(map(request_of, jobs)) == []
        missing = [job for job in jobs if not has_record(job)]
        return len(order(trainings(missing), missing, options.results))

    start = time.perf_counter()
    planned = ratios.once(plan)
    seconds = time.perf_counter() - start
    assert (planned > COUNT) == (records == "absent")
    note(ratios, f"planning {COUNT} jobs, records {records}", Cost(seconds))


def test_leaderboard(tmp_path: Path, ratios: Ratios):
    for record in crowd(COUNT):
        write(tmp_path / "results", record)
    command = (*COMMAND, "leaderboard", "--results", str(tmp_path / "results"))
    cost = ratios.once(lambda: cost_of((*command, "--page", str(tmp_path / "page.md"))))
    note(ratios, f"leaderboard of {COUNT} records", cost)


def test_the_default_suite_printed_again(store: Path, tmp_path: Path, ratios: Ratios):
    fill(load_suite("default"), Options(tmp_path))
    command = (*COMMAND, "run", "--results", str(tmp_path))
    cost = ratios.once(lambda: cost_of(command))
    note(ratios, "the finished default suite", cost)


@pytest.mark.parametrize("known", ["an empty store", "a store that knows the corpus"])
def test_finished_tables_printed_again(
    known: str,
    recordings: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ratios: Ratios,
):
    """Those of RAVDESS: where one lacks records, they would be made, which takes an hour."""
    folder = recordings("ravdess")
    records = [each for each in read_records(RESULTS) if each.corpus == "ravdess"]
    scenarios = sorted({each.scenario for each in records})
    update = {"corpora": ["ravdess"], "scenarios": scenarios}
    suite = load_suite("paper").model_copy(update=update)
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(tmp_path / "planned"))
    jobs = list(grid(suite, rows(suite, {}), Options(RESULTS, folder), {}))
    missing = sum(not has_record(job) for job in jobs)
    if missing:
        pytest.skip(f"{missing} of {len(jobs)} records are missing or out of date")

    words = ["--corpus", "ravdess", "--data-dir", str(folder), "--results", str(RESULTS)]
    words += [word for name in scenarios for word in ("--scenario", name)]
    command = (*COMMAND, "run", "paper", *words)
    store = str(tmp_path / "store")
    if known != "an empty store":
        cost_of(command, SER_UNLEARN_CACHE=store)
    cost = ratios.once(lambda: cost_of(command, SER_UNLEARN_CACHE=store))
    assert sum(each.corpus == "ravdess" for each in read_records(RESULTS)) == len(records)
    note(ratios, f"{len(records)} finished records of the suite paper, {known}", cost)
