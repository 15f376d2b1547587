"""Runs of the recipe `tiny`: their records, their tables, and what runs again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from workplaces import GRID, ROWS, SMALL, Workplace

from ser_unlearn.evaluation.metrics import METRICS
from ser_unlearn.results.records import read_records

pytestmark = pytest.mark.slow


def test_every_row_leaves_a_record_with_every_metric(workplace: Workplace):
    records = workplace.records()
    assert sorted(record.label for record in records) == sorted(ROWS)
    for record in records:
        assert (record.status, record.reason) == ("done", "")
        assert set(record.metrics) == set(METRICS)
        assert record.sizes["forget"] == 16


def test_the_table_has_a_line_for_every_row(workplace: Workplace):
    table = (workplace.folder / "first.txt").read_text()
    starts = [line.split()[0] for line in table.splitlines() if line]
    assert set(ROWS) <= set(starts)


def test_run_again_prints_the_same_table_and_runs_nothing(workplace: Workplace):
    before = {path: path.stat().st_mtime_ns for path in workplace.folder.rglob("*.json")}
    again = workplace("run", *GRID)
    assert again.stdout == (workplace.folder / "first.txt").read_text()
    assert again.stderr == ""
    assert before == {path: path.stat().st_mtime_ns for path in workplace.folder.rglob("*.json")}


def test_a_finished_run_is_printed_without_torch(workplace: Workplace):
    code = (
        "import sys; from ser_unlearn.cli import main; "
        f"main({['run', *GRID]!r}, standalone_mode=False); "
        "print(sorted({'torch', 'speechbrain', 'datasets', 'pandas', 'sklearn'} "
        "& set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=workplace.folder,
        env={**os.environ, "SER_UNLEARN_CACHE": str(workplace.store)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (workplace.folder / "first.txt").read_text()
    assert done.stderr.strip() == "[]"


def test_methods_run_again_with_other_random_numbers(workplace: Workplace, tmp_path: Path):
    arguments = (*SMALL, "--method", "retrain", "--method", "random_label", "--method-seeds", "2")
    done = workplace("run", *arguments, "--results", str(tmp_path / "results"))
    assert done.exit_code == 0, done.stderr
    records = list(read_records(tmp_path / "results"))
    found = {(each.label, each.seeds.method): each.metrics["divergence_forget"] for each in records}
    assert set(found) == {(row, seed) for row in ("retrain", "random_label") for seed in (0, 1)}
    assert found["random_label", 0] != found["random_label", 1]
    # The recipe's randomness goes with the model seed.
    assert found["retrain", 0] == found["retrain", 1]


def test_durability_is_measured_where_it_is_asked_for(workplace: Workplace, tmp_path: Path):
    arguments = (*SMALL, "--method", "original", "--results", str(tmp_path / "results"))
    done = workplace("run", *arguments, "--durability")
    assert done.exit_code == 0, done.stderr
    (record,) = read_records(tmp_path / "results")
    assert record.metrics["relearn_steps"] == 0  # it never forgot
    without = next(each for each in workplace.records() if each.label == "original")
    assert without.metrics["relearn_steps"] is None
    again = workplace("run", *arguments)
    assert again.stderr == ""


def test_per_utterance_outputs_stand_in_the_store(workplace: Workplace):
    tables = [pd.read_parquet(path) for path in workplace.tables]
    assert len(tables) == len(ROWS)
    accuracies = set()
    for table in tables:
        logits = table.filter(like="logit_")
        said = logits.idxmax(axis=1).str.removeprefix("logit_")
        forget = table["set"] == "forget"
        assert forget.sum() == 16
        accuracies.add(float((said == table["emotion"])[forget].mean()))
    assert accuracies == {record.metrics["forget_accuracy"] for record in workplace.records()}


def test_the_reference_agrees_with_itself(workplace: Workplace):
    by_label = {record.label: record.metrics for record in workplace.records()}
    # One more retrained model is no reference.
    assert by_label["retrain"]["divergence_forget"] > 0
    assert by_label["original"]["divergence_original"] == 0
    assert by_label["retrain"]["speedup"] == pytest.approx(1, abs=0.5)  # its store costs time
    assert by_label["retrain"]["flops_ratio"] == 1
    assert by_label["original"]["relative_forgetting"] == 0
    assert by_label["original"]["test_accuracy_drop"] == 0
    assert by_label["original"]["flops"] == 0
    assert by_label["original"]["speedup"] is None


def test_leaderboard_of_what_ran(workplace: Workplace):
    assert workplace("leaderboard", "--check").exit_code == 1
    assert workplace("leaderboard").exit_code == 0
    assert workplace("leaderboard", "--check").exit_code == 0
    page = (workplace.folder / "leaderboard.md").read_text()
    assert all(f"| {row} " in page for row in ROWS)


def test_a_changed_parameter_is_a_row_of_its_own(workplace: Workplace):
    arguments = ("--method", "finetune", "--set", "finetune.steps=9", "--results", "changed")
    done = workplace("run", *SMALL, *arguments)
    assert done.exit_code == 0, done.stderr
    (record,) = workplace.records("changed")
    assert record.label == "finetune[steps=9]"
    assert record.parameters["steps"] == 9


@pytest.mark.parametrize("scenario", ["speaker:99", "hard:999", "sequential:9x99"])
def test_more_than_there_is_is_refused_before_anything_runs(workplace: Workplace, scenario: str):
    done = workplace("run", *SMALL, "--scenario", scenario, "--results", "refused")
    assert done.exit_code == 2
    assert "Ask for at least 1 and at most" in done.stderr
    assert not (workplace.folder / "refused").exists()


def test_distance_is_measured_to_as_many_references_as_are_asked_for(
    workplace: Workplace, tmp_path: Path
):
    results = ("--results", str(tmp_path / "results"))
    arguments = (*SMALL, "--method", "original", "--method", "retrain", *results)
    done = workplace("run", *arguments, "--references", "2")
    assert done.exit_code == 0, done.stderr
    assert "distance" in done.stdout
    two = {record.label: record for record in read_records(tmp_path / "results")}
    for record in two.values():
        assert record.references == 2
        assert record.metrics["distance"] > 0
    original, retrained = (two[row].metrics for row in ("original", "retrain"))
    assert original["divergence_forget"] > retrained["divergence_forget"]

    # What was measured stays, where nobody asks for it.
    for command in (["run", *arguments], ["evaluate", *results, "--jobs", "1"]):
        again = workplace(*command)
        assert again.exit_code == 0, again.stderr
        assert {each.label: each for each in read_records(tmp_path / "results")} == two
    more = workplace("run", *arguments, "--references", "3")
    assert more.exit_code == 0, more.stderr
    assert "reference 2): done" in more.stderr
    assert "reference 1)" not in more.stderr
    for record in read_records(tmp_path / "results"):
        assert record.references == 3
        assert record.metrics["distance"] != two[record.label].metrics["distance"]
        assert record.metrics["runtime_s"] == two[record.label].metrics["runtime_s"]
