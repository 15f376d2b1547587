"""Speed, measured and never asserted: `pytest tests/benchmarks --benchmark-only`.

Seconds differ from machine to machine and from minute to minute, so what counts is ratios of two
things timed in one run. They stand in a table at the end, and in `extra_info` of the JSON that
`--benchmark-json` writes. Everything runs on one thread, but for the workers of the suite.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tabulate import tabulate

from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Seeds
from ser_unlearn.results.store import Store
from ser_unlearn.runner.local import Local
from ser_unlearn.runner.places import Place
from ser_unlearn.runner.suite import Suite, load_suite
from ser_unlearn.runner.trainings import Training
from ser_unlearn.runner.unlearnings import Unlearning
from ser_unlearn.runner.workers import Job, Outcome
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.registry import resolve

ONE_SECOND = [1.0]
RATIOS = pytest.StashKey[list[dict[str, Any]]]()
First = TypeVar("First")
Second = TypeVar("Second")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RATIOS] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = [
        [
            each["what"],
            f"{each['seconds']:.3g} s",
            f"{each['reference_seconds']:.3g} s",
            f"{each['ratio']:.3f}",
            "" if each["target"] is None else f"<= {each['target']:g}",
            {None: "", True: "within", False: "BEYOND"}[each["within"]],
        ]
        for each in config.stash[RATIOS]
    ]
    if rows:
        terminalreporter.section("ratios")
        headers = ["what", "seconds", "against", "ratio", "target", ""]
        terminalreporter.write_line(tabulate(rows, headers, disable_numparse=True))


class Ratios:
    """Runs one benchmark, and keeps the ratios that come out."""

    def __init__(self, benchmark: Any, rows: list[dict[str, Any]]) -> None:
        self._benchmark = benchmark
        self._rows = rows

    def once(self, function: Callable[[], First]) -> First:
        """Call a function once, as the benchmark."""
        result: First = self._benchmark.pedantic(function, rounds=1)
        return result

    def alternate(
        self, first: Callable[[], First], second: Callable[[], Second], pairs: int
    ) -> tuple[list[First], list[Second]]:
        """Call two functions by turns, so that a busy minute slows both.

        Returns:
            What each returned, `pairs` times; one more call of each comes before, to warm up.
        """

        def by_turns() -> list[tuple[First, Second]]:
            return [(first(), second()) for _ in range(pairs + 1)][1:]

        firsts, seconds = zip(*self.once(by_turns), strict=True)
        return list(firsts), list(seconds)

    def note(
        self,
        what: str,
        seconds: list[float],
        reference: list[float],
        target: float | None = None,
    ) -> None:
        """Keep the median of the pairwise ratios, and what it should not exceed.

        Seconds stand for themselves against a reference of `ONE_SECOND`.
        """
        if reference is ONE_SECOND:
            reference = ONE_SECOND * len(seconds)
        ratio = statistics.median(a / b for a, b in zip(seconds, reference, strict=True))
        row = {
            "what": what,
            "ratio": ratio,
            "target": target,
            "within": None if target is None else ratio <= target,
            "seconds": statistics.median(seconds),
            "reference_seconds": statistics.median(reference),
        }
        self._rows.append(row)
        self._benchmark.extra_info.setdefault("ratios", []).append(row)


@pytest.fixture
def ratios(benchmark: Any, pytestconfig: pytest.Config) -> Ratios:
    return Ratios(benchmark, pytestconfig.stash[RATIOS])


@pytest.fixture(scope="session")
def suite() -> Suite:
    """The suite `default`, with one run of its three."""
    return load_suite("default").model_copy(update={"runs": 1})


@pytest.fixture(scope="session")
def make_store(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes stores that hold the suite's corpora and features, but no model."""
    prepared = tmp_path_factory.mktemp("prepared")
    for corpus in suite.corpora:
        for recipe in suite.recipes:
            assert Setup(corpus, recipe, None, "cpu", Store(prepared)).features

    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name) / "store"
        return Path(shutil.copytree(prepared, folder))

    return make


class Clocked(Local):
    """Jobs one after another in this process, and the seconds that each took, by its title.

    Of a job that is done again it is the first time that counts: the store has what it left.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def outcomes(
        self, jobs: Iterator[tuple[int, Job[Outcome]]], workers: int
    ) -> Iterator[tuple[int, Outcome]]:
        for number, job in jobs:
            start = time.perf_counter()
            outcome = job.execute()
            self.seconds.setdefault(job.title, time.perf_counter() - start)
            yield number, outcome


@dataclass(frozen=True)
class Alone:
    """Where jobs run one after another; what one benchmark trained stays there for the next."""

    store: Path
    results: Path
    engine: Clocked


@pytest.fixture(scope="session")
def alone(make_store: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Alone:
    return Alone(make_store("alone"), tmp_path_factory.mktemp("results"), Clocked())


@dataclass(frozen=True)
class Request:
    """One forget request, with its models: the suite's first."""

    place: Place
    results: Path
    scenario: str
    sets: dict[str, list[int]]
    original: Trained
    retrained: Trained

    @property
    def setup(self) -> Setup:
        return self.place.setup()

    def job(self, row: str) -> Unlearning:
        """The job that answers the request with a row of the tables."""
        seeds = Seeds(model=0, forget=0, method=0)
        return Unlearning(
            self.place,
            self.scenario,
            resolve(row, {}),
            seeds,
            results=self.results,
            limits=Limits(3600),
            provenance=provenance("cpu"),
        )


@pytest.fixture(scope="session")
def request_to_forget(suite: Suite, alone: Alone) -> Request:
    place = Place(suite.corpora[0], suite.recipes[0], None, "cpu", alone.store)
    scenario = suite.scenarios[0]
    original, retrained = Training(place, 0), Training(place, 0, scenario)
    list(alone.engine.outcomes(enumerate((original, retrained)), 1))
    train, retain = original.utterances(), retrained.utterances()
    setup = place.setup()
    sets = {
        "forget": sorted(set(train) - set(retain)),
        "retain": retain,
        "validation": setup.split.validation,
    }
    models = setup.trained(train, 0), setup.trained(retain, 0)
    return Request(place, alone.results, scenario, sets, *models)
