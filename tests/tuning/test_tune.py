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
from ser_unlearn.tuning.studies import read_study, study_path
from ser_unlearn.tuning.tune import SEEDS
from ser_unlearn.unlearning.registry import resolve

# Seeds


def test_reported_runs_never_reach_the_seeds_of_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert min(SEEDS.models + SEEDS.forgets) >= FIRST_TUNING_SEED
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
            "no corpus 'espeek'. Did you mean espeak?",
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


@pytest.mark.slow
def test_tune_then_run_what_it_found(
    espeak_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    take_corpus(espeak_store, tmp_path / "store")
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    results, store = tmp_path / "results", tmp_path / "store"
    tune = ("tune", "random_label", *CELL, "--trials", "3", "--jobs", "1")

    done = invoke(*tune, "--criterion", "retrain-free")
    assert done.exit_code == 0, done.output
    # The original alone: this criterion needs no retrained model.
    assert len(list(store.glob("models/*/*.json"))) == 1
    answers = sorted(store.glob("unlearned/*/*.json"))
    assert len(answers) == 6  # three trials on two forget sets

    done = invoke(*tune)
    assert done.exit_code == 0, done.output
    assert len(list(store.glob("models/*/*.json"))) == 3
    study = read_study(
        results, results / study_path("espeak", "tiny", "random:16", "random_label", "oracle")
    )
    other = read_study(
        results, results / study_path("espeak", "tiny", "random:16", "random_label", "retrain-free")
    )
    # The same seed draws the same trials, and what they left behind is not computed again.
    assert sorted(store.glob("unlearned/*/*.json")) == answers
    assert [each.parameters for each in study.trials] == [each.parameters for each in other.trials]
    assert [each.seconds for each in study.trials] == [each.seconds for each in other.trials]
    assert study.trials[0].parameters == resolve("random_label", {}).parameters
    assert study.provenance.packages["optuna"]
    assert list(read_records(results)) == []

    row = f"random_label[tuned-oracle,T={study.n_trials}]"
    done = invoke(
        *("run", *CELL, "--method", "random_label", "--tuned", "oracle", "--jobs", "1"),
        *("--runs", "1", "--references", "2"),
    )
    assert done.exit_code == 0, done.output
    records = {record.label: record for record in read_records(results)}
    assert set(records) == {"random_label", row}
    assert records[row].status == "done"
    assert records[row].parameters == study.best_parameters
    assert records[row].tuned == Tuned(criterion="oracle", trials=3)
    assert records["random_label"].tuned is None
    assert records[row].seeds.model < FIRST_TUNING_SEED
