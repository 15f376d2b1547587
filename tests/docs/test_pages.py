"""The documents as a whole: what is generated, where links lead, what they say of the version."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from checkouts import ROOT
from documents import PAGES, anchors, inline


def test_what_is_generated_is_what_its_sources_say():
    filled = runpy.run_path(str(ROOT / "docs" / "generate.py"))["filled"]
    old = [page.name for page in PAGES if page.read_text(encoding="utf-8") != filled(page)]
    assert old == [], "Run: python docs/generate.py"


def test_the_check_sees_what_is_old(tmp_path):
    """A copy of the script beside pages of its own, of which one was changed by hand."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Nothing is generated here\n")
    page = tmp_path / "docs" / "attacks.md"
    page.write_text((ROOT / "docs" / "attacks.md").read_text().replace("simple", "free"))
    script = tmp_path / "docs" / "generate.py"
    script.write_text((ROOT / "docs" / "generate.py").read_text())

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, script, *arguments], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    assert run("--check") == (1, "docs/attacks.md is old\n")
    assert run() == (0, "docs/attacks.md written\n")
    assert page.read_text() == (ROOT / "docs" / "attacks.md").read_text()
    assert run("--check") == (0, "")


def test_the_study_that_found_the_values_of_a_row_is_named():
    origin = runpy.run_path(str(ROOT / "docs" / "generate.py"))["origin"]
    cls = SimpleNamespace(search_space={"alpha": (0.1, 1.0, "log")})
    study = SimpleNamespace(
        label="scrub",
        best=3,
        best_parameters={"alpha": 0.5, "steps": 3},
        n_trials=15,
        criterion="distance",
        corpora=["espeak", "emodb"],
        path=Path("tuning/scrub-distance.json"),
    )
    assert origin("scrub", {"alpha": 0.5, "steps": 3}, cls, [study]) == (
        "`alpha` the best of 15 trials by distance on espeak and emodb "
        "([study](../results/tuning/scrub-distance.json))"
    )
    assert origin("scrub", {"alpha": 0.4, "steps": 3}, cls, [study]) == ""
    assert origin("npo", {"alpha": 0.5, "steps": 3}, cls, [study]) == ""
    study.best = None
    assert "by none of 15 trials" in origin("scrub", {"alpha": 0.5, "steps": 3}, cls, [study])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    """Within the repository; what is elsewhere is not asked for."""
    addresses = [str(each.attrGet("href")) for each in inline(page, "link_open")]
    addresses += [str(each.attrGet("src")) for each in inline(page, "image")]
    for address in addresses:
        place, _, anchor = address.partition("#")
        if re.match(r"https?:", place):
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), address
        assert not anchor or anchor in anchors(target), address


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    reading = text.split("## How to read the table\n")[1].split("\n## ")[0]
    assert len([line for line in reading.splitlines() if line]) <= 25


def test_every_page_is_in_the_navigation():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^[\w-]+$", index, re.MULTILINE))
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"} <= listed


def test_one_version_stands_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\d\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert (cited["version"], str(cited["date-released"])) == newest.groups()
    assert version == newest[1]
