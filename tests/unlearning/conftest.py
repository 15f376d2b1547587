"""Files of methods, in a folder of their own or where the registry looks."""

import sys
from textwrap import dedent

import pytest
from method_files import GOOD

from ser_unlearn import methods
from ser_unlearn.unlearning import registry


@pytest.fixture
def write(tmp_path):
    """A function that writes a method's file; by default that of GOOD."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def write(text=GOOD, name="fake"):
        path = folder / f"{name}.py"
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def installed(write, monkeypatch):
    """A function that writes a method's file to where the registry looks."""
    written = []
    listed = registry.list_methods

    def install(text=GOOD, name="registered_fake"):
        path = write(text, name)
        monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(path.parent)])
        monkeypatch.setattr(registry, "list_methods", lambda: listed(path.parent))
        written.append(f"ser_unlearn.methods.{name}")
        return path

    yield install
    for name in written:
        sys.modules.pop(name, None)
        if hasattr(methods, name.removeprefix("ser_unlearn.methods.")):
            delattr(methods, name.removeprefix("ser_unlearn.methods."))
