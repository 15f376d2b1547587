"""A recipe from outside of the project is code: it is asked about before it is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign import write_recipe

from ser_unlearn.cli import trusting
from ser_unlearn.errors import UserError


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    return str(write_recipe(tmp_path, "ecapa"))


def test_without_anybody_to_ask_it_is_refused(recipe: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(UserError, match="say --trust-recipe"):
        trusting.admit([recipe], trusted=False)


@pytest.mark.parametrize("answer", [True, False])
def test_the_answer_counts(recipe: str, answer: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trusting, "_agreed", lambda path: answer)
    if answer:
        trusting.admit([recipe], trusted=False)
    else:
        with pytest.raises(UserError, match="is code"):
            trusting.admit([recipe], trusted=False)


def test_what_is_not_honoured_is_named_once(recipe: str, capsys: pytest.CaptureFixture[str]):
    trusting.admit(["ecapa", recipe, recipe], trusted=True)
    said = capsys.readouterr().err
    assert said.count("Not honoured of it: different_speakers, gradient_accumulation") == 1
    assert "checkpointer" not in said


def test_the_projects_own_recipes_are_not_asked_about(capsys: pytest.CaptureFixture[str]):
    trusting.admit(["ecapa", "tiny"], trusted=False)
    assert capsys.readouterr().err == ""


def test_records_are_found_by_a_recipes_path(recipe: str):
    (name,) = trusting.names_of([recipe])
    assert trusting.names_of(["ecapa", recipe]) == ("ecapa", name)
    assert trusting.places_of([recipe])[name] == recipe
    assert trusting.places_of([])["ecapa"] == "ecapa"
