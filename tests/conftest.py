"""Fixtures that all tests share: stores, recordings, and tiny corpora written on the spot."""

# ruff: noqa: E402  (what imports must find stands before them)

from __future__ import annotations

import gc
import os
import sys
from itertools import product
from pathlib import Path
from typing import Any

# Before NumPy, SciPy and torch read it: on matrices this small, threads only get in the way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Nothing of what is imported here is garbage, and to look for some takes a fifth of the time.
gc.disable()

import pytest
import torch
from checkouts import ROOT
from filelock import FileLock
from sounds import write_corpus

from ser_unlearn.checks.subjects import shared_toy
from ser_unlearn.checks.toy import ToySetup
from ser_unlearn.recogniser.setup import Setup
from ser_unlearn.results.store import Store

SHARING_A_RUN = ("test_added_methods", "test_evaluate", "test_run", "test_scenario_runs")
"""Modules that begin with the same run."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send tests that share what is dear to make to one process, unless asked for another way."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path, _, test = nodeid.partition("::")
            if Path(path).stem in SHARING_A_RUN:
                return "tests/runner"
            if test.startswith("test_conformance["):
                return test.rpartition("-")[0]  # a row's usual run
            return path  # fixtures of the module

    # As `pytest_collection_modifyitems` has put them, and not by how many tests there are.
    config.option.loadscopereorder = False
    return ByWhatIsShared(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: begun last, it would keep one process busy alone."""

    def rank(item: pytest.Item) -> tuple[bool, bool]:
        return item.get_closest_marker("slow") is None, item.path.parent.name != "runner"

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Keep what imports made out of the collections of garbage that measurements begin with."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """One thread is fastest for models this small, and gives the same bits everywhere."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _lazy_modules_stay_lazy():
    """Hypothesis asks every module for its file; SpeechBrain's lazy ones would import themselves.

    Some of them cannot: they need packages that are not installed.
    """
    lazy = sys.modules.get("speechbrain.utils.importutils")
    if lazy is not None:
        lazy.LazyModule.__file__ = None


@pytest.fixture(scope="session", autouse=True)
def _store_of_this_run(tmp_path_factory):
    """No test reads or fills the store of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_UNLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def setup() -> ToySetup:
    """The toy that all tests of a process share, with its original model; leave it as it is."""
    return shared_toy()


@pytest.fixture
def store(tmp_path):
    """An empty store of the test's own."""
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def espeak_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the corpus `espeak` as `tiny` sees it, made once for all processes."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "espeak"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            made = folder.with_suffix(".part")
            Setup("espeak", "tiny", None, "cpu", Store(made)).features  # noqa: B018
            made.rename(folder)
    return folder


@pytest.fixture(scope="session")
def session_store(tmp_path_factory):
    """One store for all tests that read real recordings, so that each is decoded once."""
    return Store(tmp_path_factory.mktemp("session_store"))


@pytest.fixture(scope="session")
def shared_data():
    """The folder with real recordings: SER_UNLEARN_TEST_DATA, or a folder beside the checkout."""
    folder = Path(os.environ.get("SER_UNLEARN_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}; name their folder in SER_UNLEARN_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def recordings(shared_data):
    """A function: the name of a corpus to the folder with its real recordings."""

    def folder(corpus):
        if not (shared_data / corpus).is_dir():
            pytest.skip(f"no recordings of {corpus} in {shared_data}")
        return shared_data / corpus

    return folder


@pytest.fixture
def ravdess_like(tmp_path):
    """A function that writes a corpus with names like RAVDESS: three speakers, two emotions."""

    def write(
        speakers=("01", "02", "03"),
        emotions=("01", "05"),
        statements=("01", "02"),
        repetitions=("01", "02"),
    ):
        return write_corpus(
            tmp_path / "ravdess-like",
            [
                f"Actor_{speaker}/03-01-{emotion}-01-{statement}-{repetition}-{speaker}"
                for speaker, emotion, statement, repetition in product(
                    speakers, emotions, statements, repetitions
                )
            ],
        )

    return write


@pytest.fixture
def emodb_like(tmp_path):
    """A function that writes a corpus with names like EMO-DB: three speakers, two emotions."""

    def write(speakers=("03", "08", "09"), emotions="WN", sentences=("a01", "b02"), versions="ab"):
        return write_corpus(
            tmp_path / "emodb-like",
            ["".join(parts) for parts in product(speakers, sentences, emotions, versions)],
        )

    return write
