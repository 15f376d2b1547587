"""Studies that contradict themselves or their method, and files that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mutations import survive
from pydantic import ValidationError
from toys import make_record

from ser_unlearn.data.cards import load_card
from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.tuning.studies import Study, read_study, study_path, write_study
from ser_unlearn.tuning.tune import SEEDS
from ser_unlearn.tuning.tuned import tuned_rows
from ser_unlearn.unlearning.registry import list_methods, resolve

TABLE = ("espeak", "tiny", "random:16")


def trial(parameters: Any, value: float | None, **changes: Any) -> dict[str, Any]:
    done = {"status": "done", "reason": ""}
    failed = {"status": "failed", "reason": "it broke"}
    numbers = {"values": [value], "value": value, "seconds": 1.0}
    return {"parameters": parameters, **(failed if value is None else done), **numbers, **changes}


def make_study(best: Any = None, **changes: Any) -> Study:
    """A study of the method "ssd", current, with two trials; `best` are the second's parameters."""
    row = resolve("ssd", {})
    best = {**row.parameters, "selection": 25.0} if best is None else best
    values: dict[str, Any] = {
        "corpora": ["espeak"],
        "cards": [load_card("espeak").digest],
        "recipe": "tiny",
        "recipe_digest": load_recipe("tiny").digest,
        "scenarios": ["random:16"],
        "label": "ssd",
        "method": "ssd",
        "code": list_methods()["ssd"].code,
        "criterion": "oracle",
        "seeds": SEEDS,
        "timeout_s": 60.0,
        "search_space": {"selection": {"low": 1.0, "high": 100.0, "scale": "log"}},
        "n_trials": 2,
        "trials": [trial(dict(row.parameters), None), trial(best, 2.5)],
        "best": 1,
        "best_parameters": best,
        "provenance": make_record().provenance,
    }
    return Study.model_validate({**values, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"best": {"selection": 25.0, "more": float("nan")}}, "finite"),
        ({"best": {}}, "lacks a parameter of the search space"),
        ({"corpora": ["../x"]}, "slash"),
        ({"label": "x" * 201}, "longer than 200"),
        ({"criterion": "\x1b[31m"}, "control character"),
        ({"criterion": "taste"}, "there is no criterion 'taste'"),
        ({"timeout_s": 0}, "greater than 0"),
        ({"cards": []}, "not as many cards as corpora"),
        ({"scenarios": ["random:16", "random:64"]}, "not as many values as there are requests: 2"),
        ({"trials": [trial({"selection": 1.0}, 2.5, values=[2.0])] * 2}, "mean do not agree"),
        ({"trials": [trial({"selection": 1.0}, -2.5)] * 2}, "greater than or equal to 0"),
        (
            {"trials": [trial({"selection": 1.0}, 2.5, reason="why?")] * 2},
            "done, and yet has a reason",
        ),
        ({"trials": [trial({"selection": 1.0}, 1.7e308)] * 2}, "less than or equal to"),
    ],
)
def test_a_study_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        make_study(**changes)


@pytest.mark.parametrize(
    "best",
    [
        {"selection": 25.0},
        {"selection": 25.0, "dampening": 1.0, "more": 1},
        {"selection": 25.0, "dampening": "much"},
        {"selection": True, "dampening": 1.0},
    ],
)
def test_parameters_that_are_not_the_methods_are_refused(tmp_path: Path, best: dict[str, Any]):
    write_study(tmp_path, make_study(best))
    with pytest.raises(UserError, match=r"are not those of 'ssd'.*Delete it and tune again"):
        tuned_rows(tmp_path, TABLE, [resolve("ssd", {})], ["oracle"])


def test_a_study_that_fits_gives_a_row(tmp_path: Path):
    write_study(tmp_path, make_study())
    rows = tuned_rows(tmp_path, TABLE, [resolve("ssd", {})], ["oracle"])
    assert [row.label for row in rows] == ["ssd[tuned-oracle,T=2]"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "x" * 201])
def test_no_study_lies_where_its_names_lead_out(name: str):
    for corpus, label in ((name, "ssd"), ("c", f"{name}/")):
        with pytest.raises(UserError):
            study_path([corpus], "r", ["random:16"], label, "oracle")


def test_mutations_of_a_study_are_taken_or_refused(tmp_path: Path):
    study = make_study()
    write_study(tmp_path, study)
    path = tmp_path / study.path

    def read(text: str) -> Study:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return read_study(tmp_path, path)

    survive(path.read_text(), read)


def test_an_endless_file_is_not_read(tmp_path: Path):
    path = tmp_path / make_study().path
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"ssd-oracle\.json is damaged \(it is not an ordinary"):
        read_study(tmp_path, path)
