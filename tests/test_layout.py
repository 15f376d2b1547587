"""The layout of the project: rooms and modules of a size that one can read."""

from __future__ import annotations

import ast

import pytest
from checkouts import ROOT

LONGEST = 350
"""Lines of a module; a longer one has more than one subject."""

FOLDERS = ("bench", "methods", "tests")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def test_no_module_is_longer_than_one_can_read():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


@pytest.mark.parametrize(
    "room", sorted(path.parent for path in (ROOT / "bench").rglob("__init__.py")), ids=str
)
def test_every_room_says_what_it_is_for(room):
    text = (room / "__init__.py").read_text(encoding="utf-8")
    sentence = (ast.get_docstring(ast.parse(text)) or "").splitlines()
    assert sentence
    assert sentence[0].endswith((".", "?"))
