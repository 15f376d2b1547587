"""Studies: written, read, refused, and turned into rows of their own."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from fields import in_order, leaderboard_of
from pydantic import ValidationError
from toys import make_record
from trials import trial

from ser_unlearn.data.cards import load_card
from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.results.records import Tuned, read_records, write_record
from ser_unlearn.tuning.space import read_space
from ser_unlearn.tuning.studies import Study, Trial, read_study, study_path, write_study
from ser_unlearn.tuning.tune import SEEDS
from ser_unlearn.tuning.tuned import tuned_rows
from ser_unlearn.unlearning.registry import list_methods, load_class, resolve

TABLE = ("espeak", "tiny", "random:5%")


def make_study(**changes: Any) -> Study:
    """A study of the method "ssd" on the corpus "espeak", as it is now."""
    row = resolve("ssd", {})
    better = {**row.parameters, "selection": 25.0}
    values: dict[str, Any] = {
        "corpora": ["espeak"],
        "cards": [load_card("espeak").digest],
        "recipe": "tiny",
        "recipe_digest": load_recipe("tiny").digest,
        "scenarios": ["random:5%", "random:16"],
        "label": "ssd",
        "method": "ssd",
        "code": list_methods()["ssd"].code,
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


def test_what_is_written_is_read(tmp_path: Path):
    study = make_study()
    write_study(tmp_path, study)
    path = tmp_path / "tuning/espeak/tiny/random-5pct+random-16/ssd-oracle.json"
    assert read_study(tmp_path, path) == study
    assert json.loads(path.read_text())["schema_version"] == 2
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
    elsewhere = tmp_path / study_path(["espeak"], "tiny", study.scenarios, "ssd", "retrain-free")
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
    where = (tmp_path, TABLE, rows)
    assert tuned_rows(*where, ["oracle"]) == []
    write_study(tmp_path, make_study())
    (row,) = tuned_rows(*where, ["oracle", "retrain-free"])
    assert row.label == "ssd[tuned-oracle,T=3]"
    assert row.tuned == Tuned(criterion="oracle", trials=3)
    assert row.parameters == {**rows[0].parameters, "selection": 25.0}
    assert tuned_rows(tmp_path, ("espeak", "ecapa", "random:5%"), rows, ["oracle"]) == []


def test_a_study_without_a_best_makes_no_row(tmp_path: Path):
    row = resolve("ssd", {})
    failed = trial(row.parameters, None, "no")
    write_study(tmp_path, make_study(n_trials=1, trials=[failed], best=None, best_parameters=None))
    assert tuned_rows(tmp_path, TABLE, [row], ["oracle"]) == []


def test_a_study_over_several_corpora_gives_rows_in_the_tables_of_each(tmp_path: Path):
    rows = [resolve("ssd", {})]
    both = make_study(
        corpora=["espeak", "emodb"],
        cards=[load_card(each).digest for each in ("espeak", "emodb")],
        scenarios=["random:16"],
    )
    write_study(tmp_path, both)
    assert both.path.parts[1:4] == ("espeak+emodb", "tiny", "random-16")
    for corpus in both.corpora:
        (row,) = tuned_rows(tmp_path, (corpus, "tiny", "random:16"), rows, ["oracle"])
        assert row.parameters == both.best_parameters
    for table in (("ravdess", "tiny", "random:16"), TABLE):
        assert tuned_rows(tmp_path, table, rows, ["oracle"]) == []


def test_of_two_studies_that_of_fewer_tables_counts(tmp_path: Path):
    narrow = make_study()
    wide = make_study(
        corpora=["espeak", "emodb"],
        cards=[load_card(each).digest for each in ("espeak", "emodb")],
        trials=[
            trial({**each.parameters, "dampening": 2.0}, 1.0, requests=4) for each in narrow.trials
        ],
        best=0,
        best_parameters={**narrow.trials[0].parameters, "dampening": 2.0},
    )
    for study in (wide, narrow):
        write_study(tmp_path, study)
    (row,) = tuned_rows(tmp_path, TABLE, [resolve("ssd", {})], ["oracle"])
    assert row.parameters == narrow.best_parameters


def test_a_row_whose_defaults_are_the_best_has_none_beside_it(tmp_path: Path):
    row = resolve("ssd", {})
    first = trial(row.parameters, 5.0)
    write_study(
        tmp_path,
        make_study(n_trials=1, trials=[first], best=0, best_parameters=dict(row.parameters)),
    )
    assert tuned_rows(tmp_path, TABLE, [row], ["oracle"]) == []


def test_a_study_with_another_value_for_what_was_not_searched_is_refused(tmp_path: Path):
    space = read_space(load_class("ssd"), "ssd", resolve("ssd", {}).parameters)
    trials = [
        trial({**each.parameters, "dampening": 2.0}, each.value) for each in make_study().trials
    ]
    study = make_study(
        search_space={"selection": space["selection"]},
        trials=trials,
        best_parameters=trials[1].parameters,
    )
    write_study(tmp_path, study)
    with pytest.raises(UserError, match="The method's other defaults changed since"):
        tuned_rows(tmp_path, TABLE, [resolve("ssd", {})], ["oracle"])


def test_the_summary_says_what_to_write():
    assert make_study().summary() == dedent(
        """\
        ssd: 3 trials by oracle on espeak with random:5%, random:16, 1 of them not done
          defaults: 5.00; best: 2.50 points (trial 1), with
            selection = 25.0 (default 3.0)
            dampening = 3.0 (default 3.0)"""
    )
    defaults = make_study().trials[0]
    alone = {"n_trials": 1, "trials": [defaults], "best_parameters": defaults.parameters}
    assert make_study(best=0, **alone).summary().endswith("the defaults are best: 5.00 points")
    failed = {"n_trials": 1, "trials": [make_study().trials[2]], "best_parameters": None}
    assert make_study(best=None, **failed).summary().endswith("none is done; the first: it broke")


@pytest.mark.parametrize(
    ("field", "name"),
    [("code", "method's code"), ("cards", "corpora's cards"), ("recipe_digest", "recipe")],
)
def test_a_study_of_what_has_changed_is_refused(tmp_path: Path, field: str, name: str):
    write_study(tmp_path, make_study(**{field: ["old"] if field == "cards" else "old"}))
    remedy = (
        "ser-unlearn tune ssd --trials 3 --corpus espeak --scenario random:5% --scenario random:16 "
        "--recipe tiny --criterion oracle"
    )
    with pytest.raises(UserError, match=f"The {name} changed since .* Tune again: {remedy}"):
        tuned_rows(tmp_path, TABLE, [resolve("ssd", {})], ["oracle"])


def test_the_leaderboard_shows_tuned_rows_apart(tmp_path: Path):
    write_record(tmp_path, make_record(label="fade"))
    for trials in (20, 40):
        tuned = Tuned(criterion="oracle", trials=trials)
        label = f"fade[tuned-oracle,T={trials}]"
        write_record(tmp_path, make_record(label=label, tuned=tuned, metrics={"mia_auc": 0.5}))
    page = leaderboard_of(tmp_path)
    parts = (
        "## As if never heard\n",
        "| fade ",
        "## As if never heard, tuned by oracle with 20 trials each",
        "| fade[tuned-oracle,T=20] ",
        "## As if never heard, tuned by oracle with 40 trials each",
        "| fade[tuned-oracle,T=40] ",
    )
    assert in_order(page, parts)
