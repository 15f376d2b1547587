"""Tuning: spaces, criteria, the search, studies, and the command line."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner, Result
from pydantic import ValidationError
from toys import make_record

from ser_unlearn.cli import main
from ser_unlearn.data.splits import Split
from ser_unlearn.errors import UserError
from ser_unlearn.evaluation.membership import loss_attack
from ser_unlearn.recogniser.outputs import cross_entropy
from ser_unlearn.report.leaderboard import make_leaderboard
from ser_unlearn.results.records import Tuned, read_records, write_record
from ser_unlearn.runner.suite import FIRST_TUNING_SEED, load_suite, suite_names
from ser_unlearn.tuning.criteria import CRITERIA, check_validation
from ser_unlearn.tuning.scoring import Score
from ser_unlearn.tuning.space import Choice, Range, distributions, read_space
from ser_unlearn.tuning.studies import (
    Study,
    Trial,
    best_of,
    read_study,
    study_path,
    tuned_rows,
    write_study,
)
from ser_unlearn.tuning.tune import SEEDS, STARTUP, _trial, search
from ser_unlearn.unlearning.method import Method
from ser_unlearn.unlearning.registry import list_methods, load_class, resolve

# Search spaces


@dataclass(frozen=True)
class Knobs(Method):
    """A method with a field of every type."""

    reference = "none"
    needs = frozenset({"forget"})
    search_space: ClassVar[dict[str, Any]] = {}

    rate: float = 0.01
    share: float = 0.5
    epochs: int = 3
    mode: str = "soft"
    hold: bool = True

    def unlearn(self, model: Any, task: Any) -> Any:
        return model


DEFAULTS: dict[str, Any] = {"rate": 0.01, "share": 0.5, "epochs": 3, "mode": "soft", "hold": True}


def space_of(monkeypatch: pytest.MonkeyPatch, **space: Any) -> dict[str, Choice | Range]:
    monkeypatch.setattr(Knobs, "search_space", space)
    return read_space(Knobs, "knobs", DEFAULTS)


def test_spaces_in_the_terms_of_optuna(monkeypatch: pytest.MonkeyPatch):
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    space = space_of(
        monkeypatch,
        rate=(1e-4, 1, "log"),
        share=(0.0, 1.0, "linear"),
        epochs=(1, 10, "int"),
        mode=["soft", "hard"],
        hold=[True, False],
    )
    assert distributions(space) == {
        "rate": FloatDistribution(1e-4, 1.0, log=True),
        "share": FloatDistribution(0.0, 1.0),
        "epochs": IntDistribution(1, 10),
        "mode": CategoricalDistribution(["soft", "hard"]),
        "hold": CategoricalDistribution([True, False]),
    }


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "'knobs' has no search space"),
        ({"rates": [0.01]}, "no parameter of knobs, in its search space, 'rates'. Did you mean"),
        ({"rate": []}, "its values are none"),
        ({"rate": [0.01, 0.01]}, "some stand there twice"),
        ({"rate": [0.01, "high"]}, "'high' is not of type float"),
        ({"hold": [True, 0]}, "0 is not of type bool"),
        ({"epochs": [3, True]}, "True is not of type int"),
        ({"rate": 0.01}, "it is neither"),
        ({"rate": (0.001, 0.1)}, "it is neither"),
        ({"rate": (0.001, 0.1, "cubic")}, "a field of type float has no scale 'cubic'"),
        ({"rate": (1, 10, "int")}, "a field of type float has no scale 'int'"),
        ({"epochs": (1, 10, "log")}, "a field of type int has no scale 'log'"),
        ({"epochs": (1, 3.5, "int")}, "3.5 is not of type int"),
        ({"mode": ("a", "b", "linear")}, "a field of type str has no scale 'linear'"),
        ({"rate": (0.1, 0.001, "log")}, "not finite and in order"),
        ({"rate": (0.001, float("inf"), "log")}, "not finite and in order"),
        ({"rate": (0.0, 1.0, "log")}, "a logarithm needs bounds above 0"),
        ({"rate": (0.1, 1.0, "log")}, "the default 0.01 lies outside"),
        ({"mode": ["hard"]}, "the default 'soft' lies outside"),
    ],
)
def test_a_space_that_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, space: dict[str, Any], message: str
):
    with pytest.raises(UserError, match=message):
        space_of(monkeypatch, **space)


@pytest.mark.parametrize(
    "name",
    [
        row
        for info in list_methods().values()
        for row in info.rows
        if "search_space" in info.path.read_text(encoding="utf-8")
    ],
)
def test_the_space_of_every_row_is_valid(name: str):
    row = resolve(name, {})
    space = read_space(load_class(row.method), name, row.parameters)
    assert set(distributions(space)) == set(space) <= set(row.parameters)


# Criteria

LABELS = np.array([0, 1] * 8)
"""Sixteen utterances, four a set: forget 0 to 3, retain 4 to 7, then validation and the rest."""
SPLIT = Split([0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11], [12, 13], [14, 15])


def answering(*wrong: int) -> Any:
    """Logits of a model that errs on these utterances, and is sure of itself on all."""
    said = LABELS.copy()
    said[list(wrong)] = 1 - said[list(wrong)]
    return np.eye(2, dtype=np.float32)[said] * 4


def request(original: Any, retrained: Any = None) -> Any:
    """A forget request; without a retrained model, where a criterion must not ask for it."""
    found = SimpleNamespace(
        setup=SimpleNamespace(
            labels=LABELS, split=SPLIT, corpus=SimpleNamespace(card=SimpleNamespace(name="toy"))
        ),
        sets={"forget": [0, 1, 2, 3], "retain": [4, 5, 6, 7], "validation": SPLIT.validation},
        original=SimpleNamespace(logits=original),
        forget_seed=0,
    )
    if retrained is not None:
        found.retrained = SimpleNamespace(logits=retrained)
    return found


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        # The original errs on one of four validation utterances: 75 %.
        ((0, 8), 0.0),  # forget 75 %, validation kept
        ((8,), 25.0),  # forget 100 %
        ((0, 1, 2, 3, 8), 75.0),  # forget 0 %
        ((0, 8, 9), 25.0),  # forget 75 %, validation 50 %
        ((0,), 0.0),  # validation gained: no reward
        ((8, 9, 10, 11), 100.0),  # forget 100 %: 25, validation 0 %: 75
    ],
)
def test_retrain_free_by_hand(wrong: tuple[int, ...], expected: float):
    judge = CRITERIA["retrain-free"].judge(request(answering(8)))
    assert judge(answering(*wrong)) == expected


def test_oracle_by_hand():
    # The retrained model is right on half of the forget and of the validation set, and on the
    # whole retain set.
    retrained = answering(0, 1, 8, 9)
    judge = CRITERIA["oracle"].judge(request(answering(8), retrained))
    assert judge(retrained) == 0
    # Retain 75 % for 100 %, and nothing else: a mean over four numbers.
    assert judge(answering(0, 1, 4, 8, 9)) == 25 / 4
    # All right: forget and validation 100 % for 50 %; equal losses leave the attack at 50 %.
    losses = cross_entropy(retrained, LABELS)
    attack = 100 * loss_attack(losses[:4], losses[8:12], seed=0)
    expected = (50 + 0 + 50 + abs(50 - attack)) / 4
    assert judge(answering()) == pytest.approx(expected, abs=1e-9)  # a sum of four numbers


@pytest.mark.parametrize("criterion", list(CRITERIA))
def test_what_is_reported_is_not_looked_at(criterion: str):
    asked = request(answering(8), answering(0, 1, 8))
    judge = CRITERIA[criterion].judge(asked)
    answer = answering(0, 8)
    hidden = answer.copy()
    hidden[SPLIT.heldout + SPLIT.test] = np.nan
    assert judge(hidden) == judge(answer)
    unseen = asked.original.logits.copy()
    unseen[SPLIT.heldout + SPLIT.test] = np.nan
    again = CRITERIA[criterion].judge(request(unseen, asked.retrained.logits))
    assert again(answer) == judge(answer)
    assert judge(answering(0, 8, 9, 10)) > judge(answer)


def test_a_corpus_without_a_validation_set_is_refused():
    asked = request(answering())
    check_validation(asked)
    asked.sets["validation"] = []
    with pytest.raises(UserError, match="'toy' has no validation set"):
        check_validation(asked)


# The search

SPACE = {"rate": Range(low=1e-4, high=1.0, scale="log"), "mode": Choice(values=["soft", "hard"])}
BEST = 3e-2


def trial(parameters: Any, value: float | None, reason: str = "") -> Trial:
    return Trial(
        parameters=dict(parameters),
        status="done" if value is not None else "failed",
        reason=reason,
        values=[value, value],
        value=value,
        seconds=1.0,
    )


def bowl(parameters: Any) -> float:
    return abs(float(np.log10(parameters["rate"] / BEST)))


def searched(count: int, seed: int = 0) -> list[Trial]:
    return search(
        SPACE, DEFAULTS, count, seed, lambda _, given: [trial(each, bowl(each)) for each in given]
    )


def test_the_first_trial_is_the_defaults():
    for count in (1, 3, STARTUP + 2):
        trials = searched(count)
        assert len(trials) == count
        assert trials[0].parameters == DEFAULTS
        assert len({each.parameters["rate"] for each in trials}) == count


def test_trials_lie_in_the_space_and_leave_the_other_fields_alone():
    for each in searched(STARTUP + 5):
        assert all(each.parameters[field] in SPACE[field] for field in SPACE)
        assert {**each.parameters, "rate": 0, "mode": 0} == {**DEFAULTS, "rate": 0, "mode": 0}


def test_the_same_seed_draws_the_same_trials():
    assert searched(STARTUP + 3) == searched(STARTUP + 3)
    assert searched(3, seed=1) != searched(3)
    # More trials go on where fewer ended.
    assert searched(STARTUP + 3)[: STARTUP + 1] == searched(STARTUP + 1)


def test_the_search_heeds_what_trials_are_worth():
    def backwards(_: int, settings: Any) -> list[Trial]:
        return [trial(each, -bowl(each)) for each in settings]

    one = [each.parameters for each in searched(STARTUP + 5)]
    other = [each.parameters for each in search(SPACE, DEFAULTS, STARTUP + 5, 0, backwards)]
    assert one[:STARTUP] == other[:STARTUP]
    assert one[STARTUP:] != other[STARTUP:]


def test_a_failed_trial_counts_and_the_search_goes_on():
    def attempt(first: int, settings: Any) -> list[Trial]:
        return [
            trial(each, None, "it broke") if number % 2 else trial(each, bowl(each))
            for number, each in enumerate(settings, first)
        ]

    trials = search(SPACE, DEFAULTS, STARTUP + 4, 0, attempt)
    assert [each.status for each in trials] == ["done", "failed"] * (STARTUP // 2 + 2)
    assert trials[1].reason == "it broke"


def test_where_every_trial_fails_there_is_no_best():
    trials = search(
        SPACE,
        DEFAULTS,
        STARTUP + 2,
        0,
        lambda _, given: [trial(each, None, "no") for each in given],
    )
    assert len(trials) == STARTUP + 2
    assert best_of(trials) is None


def test_the_best_is_the_first_of_equals():
    assert best_of([trial({}, None), trial({}, 4.0), trial({}, 2.0), trial({}, 2.0)]) == 2


def test_a_trial_is_the_mean_over_its_forget_sets_and_fails_with_any():
    scores = [Score("done", "", 3.0, 1.5), Score("done", "", 4.0, 2.0)]
    done = _trial(DEFAULTS, scores)
    assert (done.status, done.value, done.values, done.seconds) == ("done", 3.5, [3.0, 4.0], 3.5)
    late = Score("timeout", "stopped after 9 s", None, 9.0)
    failed = _trial(DEFAULTS, [scores[0], late])
    assert (failed.status, failed.reason) == ("timeout", "stopped after 9 s")
    assert (failed.value, failed.values) == (None, [3.0, None])


# Seeds


def test_reported_runs_never_reach_the_seeds_of_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert min(SEEDS.models + SEEDS.forgets) >= FIRST_TUNING_SEED
    for name in suite_names():
        suite = load_suite(name)
        assert max(suite.model_seeds, suite.forget_seeds) <= FIRST_TUNING_SEED
    monkeypatch.chdir(tmp_path)
    for option in ("--model-seeds", "--forget-seeds"):
        refused = invoke("run", option, str(FIRST_TUNING_SEED + 1))
        assert refused.exit_code == 2
        assert f"reach those that methods are tuned on, {FIRST_TUNING_SEED}" in refused.output


# Studies


def make_study(**changes: Any) -> Study:
    """A study of the method "ssd" on the corpus "espeak", as it is now."""
    row = resolve("ssd", {})
    better = {**row.parameters, "selection": 25.0}
    values: dict[str, Any] = {
        "corpus": "espeak",
        "card": card_digest(),
        "recipe": "tiny",
        "recipe_digest": recipe_digest(),
        "scenario": "random:5%",
        "label": "ssd",
        "method": "ssd",
        "code": row.code,
        "criterion": "oracle",
        "seeds": SEEDS,
        "timeout_s": 60.0,
        "search_space": read_space(load_class("ssd"), "ssd", row.parameters),
        "n_trials": 3,
        "trials": [trial(row.parameters, 5.0), trial(better, 2.5), trial(better, None, "it broke")],
        "best": 1,
        "best_parameters": better,
        "provenance": make_record().provenance,
    }
    return Study.model_validate({**values, **changes})


def card_digest() -> str:
    from ser_unlearn.data.cards import load_card

    return load_card("espeak").digest


def recipe_digest() -> str:
    from ser_unlearn.recogniser.recipe import load_recipe

    return load_recipe("tiny").digest


def test_what_is_written_is_read(tmp_path: Path):
    study = make_study()
    write_study(tmp_path, study)
    path = tmp_path / "tuning/espeak/tiny/random-5pct/ssd-oracle.json"
    assert read_study(tmp_path, path) == study
    assert json.loads(path.read_text())["schema_version"] == 1
    assert [each.name for each in path.parent.iterdir()] == ["ssd-oracle.json"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "is damaged"),
        (lambda text: text.replace('"best": 1', '"best": 0'), "best trial is not the one"),
        (lambda text: text.replace('"n_trials": 3', '"n_trials": 4'), "has 3 trials and says 4"),
        (lambda text: text.replace('"value": 5.0', '"value": 1.0'), "do not agree"),
        (lambda text: text.replace('"value": 5.0', '"value": NaN'), "is damaged"),
        (lambda text: text.replace('"code"', '"kode"'), "is damaged"),
    ],
)
def test_a_damaged_study_is_named_with_the_remedy(tmp_path: Path, damage: Any, message: str):
    study = make_study()
    write_study(tmp_path, study)
    path = tmp_path / study.path
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=message) as error:
        read_study(tmp_path, path)
    assert "ssd-oracle.json" in str(error.value)
    assert "Delete it and run again" in str(error.value)


def test_a_study_in_the_wrong_place_is_refused(tmp_path: Path):
    study = make_study()
    write_study(tmp_path, study)
    elsewhere = tmp_path / study_path("espeak", "tiny", "random:5%", "ssd", "retrain-free")
    (tmp_path / study.path).rename(elsewhere)
    with pytest.raises(UserError, match="Move it there"):
        read_study(tmp_path, elsewhere)


def test_a_trial_says_one_thing():
    with pytest.raises(ValidationError, match="do not agree"):
        Trial(parameters={}, status="done", reason="", values=[None], value=None, seconds=0)
    with pytest.raises(ValidationError, match="do not agree"):
        Trial(parameters={}, status="failed", reason="", values=[1.0], value=1.0, seconds=0)


def test_studies_are_no_records(tmp_path: Path):
    write_study(tmp_path, make_study())
    assert list(read_records(tmp_path)) == []
    record = make_record()
    write_record(tmp_path, record)
    assert list(read_records(tmp_path)) == [record]


def test_a_tuned_row_has_the_best_parameters_and_says_what_they_cost(tmp_path: Path):
    rows = [resolve("ssd", {}), resolve("scrub", {})]
    where = (tmp_path, "espeak", "tiny", "random:5%", rows)
    assert tuned_rows(*where, ["oracle"]) == []
    write_study(tmp_path, make_study())
    (row,) = tuned_rows(*where, ["oracle", "retrain-free"])
    assert row.label == "ssd[tuned-oracle,T=3]"
    assert row.tuned == Tuned(criterion="oracle", trials=3)
    assert row.parameters == {**rows[0].parameters, "selection": 25.0}
    assert tuned_rows(tmp_path, "espeak", "ecapa", "random:5%", rows, ["oracle"]) == []


def test_a_study_without_a_best_makes_no_row(tmp_path: Path):
    row = resolve("ssd", {})
    failed = trial(row.parameters, None, "no")
    write_study(tmp_path, make_study(n_trials=1, trials=[failed], best=None, best_parameters=None))
    assert tuned_rows(tmp_path, "espeak", "tiny", "random:5%", [row], ["oracle"]) == []


@pytest.mark.parametrize(
    ("field", "name"),
    [("code", "method's code"), ("card", "corpus's card"), ("recipe_digest", "recipe")],
)
def test_a_study_of_what_has_changed_is_refused(tmp_path: Path, field: str, name: str):
    write_study(tmp_path, make_study(**{field: "old"}))
    with pytest.raises(UserError, match=f"The {name} changed since .* ser-unlearn tune ssd"):
        tuned_rows(tmp_path, "espeak", "tiny", "random:5%", [resolve("ssd", {})], ["oracle"])


def test_the_leaderboard_shows_tuned_rows_apart(tmp_path: Path):
    write_record(tmp_path, make_record(label="fade"))
    for trials in (20, 40):
        tuned = Tuned(criterion="oracle", trials=trials)
        label = f"fade[tuned-oracle,T={trials}]"
        write_record(tmp_path, make_record(label=label, tuned=tuned, metrics={"mia_auc": 0.5}))
    page = make_leaderboard(tmp_path)
    parts = (
        "**From the forget set alone**",
        "| fade ",
        "**From the forget set alone, tuned by oracle with 20 trials each**",
        "| fade[tuned-oracle,T=20] ",
        "**From the forget set alone, tuned by oracle with 40 trials each**",
        "| fade[tuned-oracle,T=40] ",
    )
    positions = [page.index(part) for part in parts]
    assert positions == sorted(positions)


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


def test_tune_then_run_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
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
        *("--model-seeds", "1", "--forget-seeds", "1"),
    )
    assert done.exit_code == 0, done.output
    records = {record.label: record for record in read_records(results)}
    assert set(records) == {"random_label", row}
    assert records[row].status == "done"
    assert records[row].parameters == study.best_parameters
    assert records[row].tuned == Tuned(criterion="oracle", trials=3)
    assert records["random_label"].tuned is None
    assert records[row].seeds.model < FIRST_TUNING_SEED
