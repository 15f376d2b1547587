"""Tuning through the command line, and the seeds that it keeps to itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from workplaces import take_corpus

from ser_unlearn.cli import main
from ser_unlearn.results.records import Tuned, read_records
from ser_unlearn.runner.suite import FIRST_TUNING_SEED, load_suite, suite_names
from ser_unlearn.tuning.criteria import TIMEOUT_S
from ser_unlearn.tuning.studies import Study, read_study, study_path, write_study
from ser_unlearn.tuning.tune import SEEDS, tunable
from ser_unlearn.unlearning.registry import list_methods, resolve

# Seeds


def test_reported_runs_never_reach_the_seeds_of_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert min(SEEDS.runs) >= FIRST_TUNING_SEED
    for name in suite_names():
        suite = load_suite(name)
        assert suite.runs <= FIRST_TUNING_SEED
    monkeypatch.chdir(tmp_path)
    refused = invoke("run", "--runs", str(FIRST_TUNING_SEED + 1))
    assert refused.exit_code == 2
    assert f"reach those that methods are tuned on, {FIRST_TUNING_SEED}" in refused.output


# The command line

CELL = ("--corpus", "espeak", "--scenario", "random:16", "--recipe", "tiny")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tune", "original", *CELL, "--trials", "2"], "'original' has no search space"),
        (["tune", "scrubb", *CELL, "--trials", "2"], "no method 'scrubb'. Did you mean scrub"),
        (
            ["tune", "ssd", "--corpus", "espeek", *CELL[2:], "--trials", "2"],
            "no corpus 'espeek'. Did you mean espeak",
        ),
        (["tune", "ssd", *CELL, "--trials", "2", "--data-dir", "."], "is not read from a folder"),
        (["run", "--method", "ssd", "--tuned", "oracle"], "Tune one first: ser-unlearn tune."),
        (
            ["run", "--tuned", "oracle", "--method", "ssd", "--set", "ssd.dampening=2"],
            "parameters are either given or tuned",
        ),
    ],
)
def test_bad_input_is_named_with_a_remedy(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "results").exists()


def test_without_optuna_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "optuna" else found(name)
    )
    result = invoke("tune", "ssd", *CELL, "--trials", "2")
    assert result.exit_code == 2
    assert "Tuning needs Optuna. Install it: pip install 'ser-unlearn[tune]'" in result.output


def test_without_a_name_every_method_with_a_search_space_is_tuned_and_no_variant():
    names, without = tunable()
    assert set(names) | set(without) == set(list_methods())
    assert {"original", "retrain"} <= set(without)
    assert "scrub" in names
    assert "scrub-rewind" not in names


def test_a_sequence_of_requests_is_refused():
    result = invoke("tune", "ssd", *CELL, "--scenario", "sequential:2x4", "--trials", "1")
    assert result.exit_code == 2
    assert "Tune on one: sequential:2x4:1" in result.output


@pytest.mark.slow
def test_tune_then_run_what_it_found(
    espeak_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    results, store = tmp_path / "results", tmp_path / "store"
    take_corpus(espeak_store, store)
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(store))
    monkeypatch.chdir(tmp_path)
    tune = ("tune", "random_label", "ssd", *CELL, "--scenario", "hard:16", "--trials", "2")

    def studies(criterion: str) -> list[Study]:
        scenarios = ["random:16", "hard:16"]
        paths = [
            results / study_path(["espeak"], "tiny", scenarios, label, criterion)
            for label in ("random_label", "ssd")
        ]
        return [read_study(results, path) for path in paths]

    done = invoke(*tune, "--criterion", "retrain-free")
    assert done.exit_code == 0, done.output
    # By the original's losses one of the forget sets is drawn.
    assert "the forget sets can be drawn" in done.output
    # The original alone: this criterion needs no retrained model.
    assert len(list(store.glob("models/*/*.json"))) == 1
    answers = sorted(store.glob("outputs/*/*"))
    assert len(list(store.glob("outputs/*/*.json"))) == 8  # of two rows two trials on two requests
    assert not list(store.glob("outputs/*/*.safetensors"))  # weights take room, and are not needed
    assert not list(store.glob("unlearned/*"))

    done = invoke(*tune)
    assert done.exit_code == 0, done.output
    # Three references of each request.
    assert len(list(store.glob("models/*/*.json"))) == 7
    # The same seed draws the same trials, and what came of them is not computed again.
    assert sorted(store.glob("outputs/*/*")) == answers
    known = 0
    for study, other in zip(studies("distance"), studies("retrain-free"), strict=True):
        assert [each.parameters for each in study.trials] == [
            each.parameters for each in other.trials
        ]
        # What the tiny model is moved too little by is done by one of the criteria alone.
        seconds = {
            (each.seconds, before.seconds)
            for each, before in zip(study.trials, other.trials, strict=True)
            if each.status == before.status == "done"
        }
        assert all(now == before for now, before in seconds)
        known += len(seconds)
        assert study.trials[0].parameters == resolve(study.label, {}).parameters
        assert study.timeout_s == TIMEOUT_S
        assert study.provenance.packages["optuna"]
        assert study.summary() in done.output
    assert known
    assert list(read_records(results)) == []

    # Whatever was found, let the second trial be the best.
    study = studies("distance")[0]
    first, second = (
        each.model_copy(
            update={"status": "done", "reason": "", "values": [value] * 2, "value": value}
        )
        for each, value in zip(study.trials, (2.0, 1.0), strict=True)
    )
    better = {"trials": [first, second], "best": 1, "best_parameters": second.parameters}
    write_study(results, study.model_copy(update=better))
    row = "random_label[tuned-distance,T=2]"
    done = invoke(
        *("run", *CELL, "--method", "random_label", "--tuned", "distance", "--jobs", "1"),
        *("--runs", "1", "--references", "2"),
    )
    assert done.exit_code == 0, done.output
    records = {record.label: record for record in read_records(results)}
    assert set(records) == {"random_label", row}
    assert records[row].status == "done"
    assert records[row].parameters == second.parameters
    assert records[row].tuned == Tuned(criterion="distance", trials=2)
    assert records["random_label"].tuned is None
    assert records[row].seeds.model < FIRST_TUNING_SEED
