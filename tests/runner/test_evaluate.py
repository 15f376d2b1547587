"""Records are evaluated from what the store has, with the attacks that are asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from workplaces import GRID, ROWS, SMALL, Workplace, take_corpus

from ser_unlearn.evaluation import shadows
from ser_unlearn.results.records import read_records
from ser_unlearn.runner import grid

pytestmark = pytest.mark.slow


def test_what_the_store_has_is_evaluated_without_running_the_method(workplace: Workplace):
    done = workplace("run", *GRID, "--results", "again")
    assert done.exit_code == 0, done.stderr
    # Runtimes too: they were measured when the methods ran.
    first = {record.path: record.metrics for record in workplace.records()}
    assert {record.path: record.metrics for record in workplace.records("again")} == first


def test_evaluate_gives_the_same_numbers_and_runs_nothing(workplace: Workplace, tmp_path: Path):
    results = tmp_path / "results"
    shutil.copytree(workplace.folder / "results", results)
    before = {record.path: record for record in read_records(results)}
    for path in results.rglob("*.json"):
        record = json.loads(path.read_text())
        record["metrics"] = {"runtime_s": record["metrics"]["runtime_s"]}
        record["revisions"] = {}
        path.write_text(json.dumps(record))

    done = workplace("evaluate", "--results", str(results), "--jobs", "1")
    assert done.exit_code == 0, done.stderr
    assert "Left as they are" not in done.stderr
    assert {record.path: record for record in read_records(results)} == before


def test_evaluate_leaves_what_the_store_lacks(
    workplace: Workplace, espeak_store: Path, tmp_path: Path
):
    elsewhere = Workplace(workplace.folder, tmp_path / "store")
    take_corpus(espeak_store, elsewhere.store)
    before = {path: path.read_bytes() for path in workplace.folder.rglob("model0*.json")}
    done = elsewhere("evaluate", "--jobs", "1")
    assert done.exit_code == 0, done.stderr
    assert f"{len(ROWS)} of {len(ROWS)} records" in done.stderr
    assert before == {path: path.read_bytes() for path in workplace.folder.rglob("model0*.json")}


def test_dearer_attacks_are_added_and_then_kept(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # The fewest of which every utterance has two with it and two without it.
    for module in (shadows, grid):
        monkeypatch.setattr(module, "COUNT", 4)
    arguments = (*SMALL, "--method", "original", "--results", str(tmp_path / "results"))
    done = workplace("run", *arguments, "--attacks", "standard")
    assert done.exit_code == 0, done.stderr
    (record,) = read_records(tmp_path / "results")
    assert {"loss", "lira-online", "rmia-offline", "iam"} < set(record.attacks)
    assert "ulira" not in record.attacks
    again = workplace("run", *arguments)
    assert again.stderr == ""
    assert [record] == list(read_records(tmp_path / "results"))
    anew = workplace("evaluate", "--results", str(tmp_path / "results"), "--jobs", "1")
    assert anew.exit_code == 0, anew.stderr
    assert [record] == list(read_records(tmp_path / "results"))
