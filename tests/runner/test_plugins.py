"""A package in a folder brings a method, a card and a recipe by entry points."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from checkouts import ROOT
from small import CARD
from sounds import write_corpus

from ser_unlearn.errors import UserError
from ser_unlearn.plugins import plugins
from ser_unlearn.results.records import read_records
from ser_unlearn.unlearning.registry import list_methods

METHOD = '''
from dataclasses import dataclass
from pathlib import Path

import torch

from ser_unlearn import Method, Recogniser, Task

from . import _share


@dataclass(frozen=True)
class Halving(Method):
    """Halve the weights of the classifier."""

    reference = "Nobody 2020"
    needs = frozenset({"forget"})

    share: float = _share.SHARE

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        len(task.forget)
        with torch.no_grad():
            for weight in model.classifier.parameters():
                weight.mul_(self.share)
        return model
'''

ENTRIES = """
[ser_unlearn.methods]
halving = outside.halving
[ser_unlearn.corpora]
tones = outside.cards
[ser_unlearn.recipes]
quick = outside.recipes
"""


def write_package(site: Path, entries: str = ENTRIES, name: str = "outside") -> Path:
    package = site / name
    for folder in (package / "cards", package / "recipes", site / f"{name}-1.0.dist-info"):
        folder.mkdir(parents=True)
    # Whoever imports the package leaves a trace.
    (package / "__init__.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('imported').touch()\n"
    )
    (package / "halving.py").write_text(METHOD)
    (package / "_share.py").write_text("SHARE = 0.5\n")
    (package / "cards" / "tones.yaml").write_text(CARD.replace("name: small", "name: tones"))
    tiny = (ROOT / "bench" / "recogniser" / "recipes" / "tiny.yaml").read_text()
    quick = tiny.replace("number_of_epochs: 6", "number_of_epochs: 1")
    assert quick != tiny
    (package / "recipes" / "quick.yaml").write_text(quick)
    info = site / f"{name}-1.0.dist-info"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    return package


@pytest.fixture
def command(tmp_path: Path):
    """A function: run a command in a process that finds the package."""
    paths = [str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "SER_UNLEARN_CACHE": str(tmp_path / "store"),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ser_unlearn", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.slow
def test_what_a_package_brings_stands_in_lists_runs_and_stands_in_a_leaderboard(tmp_path, command):
    package = write_package(tmp_path / "site")
    for kind, name in (("methods", "halving"), ("corpora", "tones"), ("recipes", "quick")):
        assert f"\n{name} " in command("list", kind).stdout
    assert not (package / "imported").exists()

    write_corpus(
        tmp_path / "recordings",
        ["".join(each) for each in product(("01", "02", "03", "04"), "abc", "WN")],
    )
    done = command(
        "run", "--corpus", "tones", "--recipe", "quick", "--scenario", "random:4",
        "--method", "halving", "--method", "original",
        "--runs", "1", "--references", "2", "--jobs", "2", "--data-dir", "recordings",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {each.label: each for each in read_records(tmp_path / "results")}
    assert {label: each.status for label, each in found.items()} == {
        "halving": "done",
        "original": "done",
    }
    assert found["halving"].parameters == {"share": 0.5}
    assert command("leaderboard").returncode == 0
    page = (tmp_path / "leaderboard.md").read_text()
    assert "tones, recipe quick" in page
    assert "| halving " in page


def test_a_methods_code_is_that_of_its_helpers_too(tmp_path, monkeypatch):
    package = write_package(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    before = list_methods()["halving"].code
    assert list_methods()["halving"].code == before
    (package / "_share.py").write_text("SHARE = 0.25\n")
    assert list_methods()["halving"].code != before


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ("[ser_unlearn.methods]\nhalving = outside.nowhere\n", "'outside' names the method"),
        ("[ser_unlearn.methods]\nhalving = nowhere.at.all\n", "'outside' names the method"),
        ("[ser_unlearn.methods]\nscrub = outside.halving\n", "'scrub', which there is already"),
    ],
)
def test_a_package_at_fault_is_named(tmp_path, monkeypatch, entries, words):
    write_package(tmp_path / "site", entries)
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(UserError, match=words):
        list_methods()


def test_two_packages_with_one_name_are_both_named(tmp_path, monkeypatch):
    write_package(tmp_path / "site")
    write_package(tmp_path / "site", ENTRIES.replace("outside", "other"), name="other")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(UserError, match=r"Two installed packages bring the recipe 'quick'"):
        plugins("recipes")
