"""Runs that tests of the runner share. All stand in one group, so that one worker makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from workplaces import GRID, Workplace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("runner"))


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace in which every row has run, in a process of its own with one worker."""
    place = Workplace(tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("store"))
    done = place.process("run", *GRID)
    assert done.returncode == 0, done.stderr
    (place.folder / "first.txt").write_text(done.stdout)
    place.tables = place.store_tables()
    return place
