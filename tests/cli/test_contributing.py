"""What others bring: a method to begin with, and records that are checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from checkouts import ROOT
from click.testing import CliRunner

from ser_unlearn.checks.conformance import CHECKS, verdict
from ser_unlearn.checks.subjects import subjects
from ser_unlearn.cli import main


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def test_a_new_method_passes_every_check(tmp_path, command):
    done = command("new-method", "my_own")
    assert done.exit_code == 0, done.output
    assert "run --method my_own.py" in done.output
    (subject,) = subjects([tmp_path / "my_own.py"])
    assert {check: verdict(subject, check) for check in CHECKS} == dict.fromkeys(CHECKS, "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Mine", "cannot be a method's name"),
        ("../mine", "cannot be a method's name"),
        ("class", "cannot be a method's name"),
        ("scrub", "There is a method 'scrub' already"),
        ("there", "is there already"),
    ],
)
def test_a_new_method_takes_nobodys_place(tmp_path, command, name, words):
    (tmp_path / "there.py").write_text("mine")
    done = command("new-method", name)
    assert done.exit_code == 2
    assert words in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["there.py"]
    assert (tmp_path / "there.py").read_text() == "mine"


@pytest.fixture
def submitted(tmp_path: Path) -> Path:
    """A results folder with one record of the project's own; gives the record."""
    own = sorted((ROOT / "results" / "ravdess").glob("*/*/finetune/*.json"))[0]
    target = tmp_path / "theirs" / own.relative_to(ROOT / "results")
    target.parent.mkdir(parents=True)
    shutil.copyfile(own, target)
    return target


def test_a_record_of_this_code_can_be_taken(submitted, command):
    done = command("submit-check", "theirs")
    assert done.exit_code == 0, done.output
    assert "All 1 records can be taken" in done.output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda each: each | {"card": "0" * 32}, "another card of 'ravdess'"),
        (lambda each: each | {"recipe_digest": "0" * 32}, "another recipe"),
        (lambda each: each | {"needs": ["forget"]}, "the method needs retain here"),
        (lambda each: each | {"parameters": {}}, "not the fields of the method"),
        (
            lambda each: each | {"provenance": each["provenance"] | {"clean": False}},
            "is no commit",
        ),
        (
            lambda each: each | {"metrics": each["metrics"] | {"test_accuracy": 0.5001}},
            "is no share of",
        ),
        (
            lambda each: each | {"metrics": each["metrics"] | {"forgetting_rate": 0.9}},
            "is not 1 - forget_accuracy",
        ),
        (
            lambda each: each | {"metrics": each["metrics"] | {"told_from_retrained": 2}},
            "cannot be 2",
        ),
        (lambda each: each | {"revisions": {"metrics.accuracy": 99}}, "of revision 99"),
        (lambda each: each | {"references": 99}, "not compared with 99 references"),
        (lambda each: each | {"corpus": "nowhere"}, "describes nowhere"),
        (lambda each: each | {"unheard": 1}, "is damaged"),
    ],
)
def test_every_fault_of_a_record_is_a_line(submitted, command, change, words):
    submitted.write_text(json.dumps(change(json.loads(submitted.read_text()))))
    done = command("submit-check", "theirs")
    assert done.exit_code == 1, done.output
    assert words in done.output


def test_a_record_that_contradicts_one_that_is_here_is_named(submitted, command):
    record = json.loads(submitted.read_text())
    record["metrics"]["test_uar"] /= 2
    submitted.write_text(json.dumps(record))
    done = command("submit-check", "theirs", "--results", str(ROOT / "results"))
    assert done.exit_code == 1
    assert "it contradicts" in done.output


def test_a_folder_without_records_is_refused(tmp_path, command):
    (tmp_path / "empty").mkdir()
    done = command("submit-check", "empty")
    assert done.exit_code == 2
    assert "There is no record in empty" in done.output
