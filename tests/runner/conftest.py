"""The run that tests of the runner share; they run in one process, which makes it once."""

from __future__ import annotations

from pathlib import Path

import pytest
from workplaces import GRID, Workplace, take_corpus


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory, espeak_store: Path) -> Workplace:
    """A workplace in which every row has run, in a process of its own with one worker."""
    place = Workplace(tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("store"))
    take_corpus(espeak_store, place.store)
    done = place.process("run", *GRID)
    assert done.returncode == 0, done.stderr
    (place.folder / "first.txt").write_text(done.stdout)
    place.tables = place.store_tables()
    return place
