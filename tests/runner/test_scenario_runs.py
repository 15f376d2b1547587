"""Runs of scenarios that hang on the original, and of sequences of requests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from workplaces import SMALL, Workplace, take_corpus

from ser_unlearn.evaluation.metrics import METRICS
from ser_unlearn.results.records import write_record

pytestmark = pytest.mark.slow

REQUESTS = ("hard:8", "sequential:2x4:1", "sequential:2x4:2")
ANSWERS = ("original", "retrain", "gradient_ascent")
SCENARIOS = (
    *SMALL,
    *("--scenario", "hard:8", "--scenario", "sequential:2x4"),
    *(word for row in ANSWERS for word in ("--method", row)),
)


@pytest.fixture(scope="module")
def scenarios(espeak_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace that had the corpus but no model when the scenarios ran."""
    place = Workplace(tmp_path_factory.mktemp("scenarios"), tmp_path_factory.mktemp("models"))
    take_corpus(espeak_store, place.store)
    done = place("run", *SCENARIOS)
    assert done.exit_code == 0, done.stderr
    (place.folder / "progress.txt").write_text(done.stderr)
    return place


def stored(place: Workplace) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """The description and the table of every unlearned model in the store."""
    return [
        (json.loads(path.read_text())["artefact"], pd.read_parquet(path.with_suffix(".parquet")))
        for path in place.store.glob("unlearned/*/*.json")
    ]


def names(table: pd.DataFrame, *sets: str) -> set[str]:
    """The utterances that stand in these sets of a table."""
    return set(table[table["set"].isin(sets)]["utterance"])


def test_every_request_leaves_a_record_of_every_row(scenarios: Workplace):
    records = scenarios.records()
    expected = {(scenario, row) for scenario in REQUESTS for row in ANSWERS}
    assert {(record.scenario, record.label) for record in records} == expected
    sizes = dict(zip(REQUESTS, [(8, None), (4, None), (4, 4)], strict=True))
    for record in records:
        assert (record.status, record.reason) == ("done", "")
        assert set(record.metrics) == set(METRICS)
        assert (record.sizes["forget"], record.sizes.get("forgotten")) == sizes[record.scenario]


def test_originals_that_forget_sets_hang_on_are_trained_first(scenarios: Workplace):
    progress = (scenarios.folder / "progress.txt").read_text().splitlines()
    assert progress[0] == "[1/1] train espeak (model 0): done (the forget sets can be drawn)"
    # Three models without each of the three forget sets, two of them references, and three rows.
    assert [line.split()[0] for line in progress[1:]] == [f"[{n}/18]" for n in range(1, 19)]
    again = scenarios("run", *SCENARIOS)
    assert (again.exit_code, again.stderr) == (0, "")


def test_a_finished_run_is_printed_without_torch(
    scenarios: Workplace, monkeypatch: pytest.MonkeyPatch
):
    # Python names each module that it imports.
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    again = scenarios.process("run", *SCENARIOS)
    assert again.returncode == 0
    assert "espeak, recipe tiny, scenario hard:8" in again.stdout
    imported = {line.rpartition("|")[2].strip() for line in again.stderr.splitlines()}
    assert "ser_unlearn.runner.run" in imported
    assert "torch" not in imported


def test_hard_utterances_are_among_those_of_the_originals_highest_loss(scenarios: Workplace):
    (table,) = (
        table
        for description, table in stored(scenarios)
        if description["meta"]["costs"]["flops"] == 0 and len(names(table, "forget")) == 8
    )
    trained = table[table["set"].isin(["forget", "retain"])]
    assert names(table, "forget") < names(trained.nlargest(16, "loss"), "forget", "retain")


@pytest.fixture
def elsewhere(scenarios: Workplace, espeak_store: Path, tmp_path: Path) -> Workplace:
    """The records, and a store that has the corpus but no model."""
    shutil.copytree(scenarios.folder / "results", tmp_path / "results")
    take_corpus(espeak_store, tmp_path / "store")
    return Workplace(tmp_path, tmp_path / "store")


def test_records_say_what_was_drawn_where_no_original_is(
    scenarios: Workplace, elsewhere: Workplace
):
    again = elsewhere("run", *SCENARIOS)
    assert (again.exit_code, again.stderr) == (0, "")
    assert elsewhere.records() == scenarios.records()
    assert not list(elsewhere.store.glob("models/*"))
    evaluated = elsewhere("evaluate", "--scenario", "hard:8")
    assert "Left as they are, for the store lacks their outputs: 3 of 3" in evaluated.stderr
    assert not list(elsewhere.store.glob("models/*"))


def test_a_further_row_forgets_what_the_records_say_was_drawn(
    scenarios: Workplace, elsewhere: Workplace
):
    """Also if the original that is trained there would have drawn others, by its rounding."""
    hard = ("run", *SMALL, "--scenario", "hard:8", "--method", "original")
    records = [record for record in elsewhere.records() if record.scenario == "hard:8"]
    assert all(record.drawn == records[0].drawn for record in records)
    assert records[0].drawn
    others = [name for name in stored_train(scenarios) if name not in records[0].drawn.names]
    drawn = records[0].drawn.model_copy(update={"names": sorted(others)[:8]})
    for record in records:
        write_record(elsewhere.folder / "results", record.model_copy(update={"drawn": drawn}))
    done = elsewhere(*hard)
    assert done.exit_code == 0, done.stderr
    (record,) = (each for each in elsewhere.records() if each.label == "original" and each.drawn)
    assert record.drawn == drawn
    assert record.fingerprint not in {each.fingerprint for each in records}


def stored_train(place: Workplace) -> set[str]:
    """The training utterances."""
    (table, *_) = (table for _, table in stored(place))
    return names(table, "forget", "retain", "forgotten")


@pytest.mark.parametrize(
    "change", [{"key": "0" * 32}, {"names": ["nobody"]}], ids=["another original", "no utterance"]
)
def test_what_another_original_drew_is_not_believed(
    scenarios: Workplace, elsewhere: Workplace, change: dict[str, Any]
):
    for record in elsewhere.records():
        if record.drawn:
            drawn = record.drawn.model_copy(update=change)
            write_record(elsewhere.folder / "results", record.model_copy(update={"drawn": drawn}))
    again = elsewhere("run", *SCENARIOS)
    assert again.stderr.splitlines() == [
        "[1/1] train espeak (model 0): done (the forget sets can be drawn)"
    ]


def test_a_request_goes_on_from_what_the_method_left_after_the_one_before(scenarios: Workplace):
    by_identity = {}
    for description, table in stored(scenarios):
        del description["identity"]["clean"]
        by_identity[json.dumps(description["identity"], sort_keys=True)] = table
    second = {
        json.dumps(before, sort_keys=True): table
        for identity, table in by_identity.items()
        if (before := json.loads(identity)["before"])
    }
    assert len(second) == len(ANSWERS)
    for before, table in second.items():
        first = by_identity[before]
        assert names(table, "forgotten") == names(first, "forget")
        assert names(table, "forgotten", "forget", "retain") == names(first, "forget", "retain")


def test_every_run_has_an_original_and_a_forget_set_of_its_own(scenarios: Workplace):
    arguments = ("--scenario", "emotion:angry", "--method", "original", "--results", "emotion")
    done = scenarios("run", *SMALL, "--runs", "2", *arguments)
    assert done.exit_code == 0, done.stderr
    records = scenarios.records("emotion")
    assert [(each.seeds.model, each.seeds.forget) for each in records] == [(0, 0), (1, 1)]
    assert records[0].metrics["test_accuracy"] != records[1].metrics["test_accuracy"]
    table = scenarios("table", "--results", "emotion", "--scenario", "emotion:angry")
    assert "scenario emotion:angry" in table.stdout


def test_the_table_of_a_sequence_shows_every_request(scenarios: Workplace):
    table = scenarios("table", "--wide", "--scenario", "sequential:2x4").stdout
    titles = [line for line in table.splitlines() if line.endswith("as if never heard")]
    assert titles.pop(0).startswith("over all")
    named = [title.split("scenario ")[1].removesuffix(": as if never heard") for title in titles]
    assert named == list(REQUESTS[1:])
