"""The run that tests of the runner share; they run in one process, which makes it once."""

from __future__ import annotations

import pytest
from workplaces import GRID, Workplace


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace in which every row has run, in a process of its own with one worker."""
    place = Workplace(tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("store"))
    done = place.process("run", *GRID)
    assert done.returncode == 0, done.stderr
    (place.folder / "first.txt").write_text(done.stdout)
    place.tables = place.store_tables()
    return place
