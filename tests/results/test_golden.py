"""Every stage of the harness computes what its revision says; who changes it raises the number."""

from __future__ import annotations

import dataclasses
from functools import partial

import golden
import pytest
import stages
import torch

from ser_unlearn.checks.subjects import Subject, subjects
from ser_unlearn.evaluation import metrics
from ser_unlearn.recogniser import features
from ser_unlearn.results.revisions import REVISIONS

STORED = golden.stored()
SUBJECTS = {subject.label: subject for subject in subjects()}


@pytest.mark.parametrize("stage", REVISIONS)
def test_a_stage_computes_what_its_revision_says(stage: str):
    then = STORED["stages"][stage]
    if then["revision"] != REVISIONS[stage].number:
        pytest.fail(f"store what {stage} computes now: python tests/golden.py {stage}")
    assert golden.fault(stage, golden.computed(stage), then["numbers"]) == ""


@pytest.mark.slow
@pytest.mark.parametrize("row", SUBJECTS)
def test_a_method_computes_what_it_did(row: str):
    subject: Subject = SUBJECTS[row]
    then = STORED["methods"].get(row)
    # A method's own file is no stage: who edits it expects other numbers.
    if then is None or then["code"] != golden.code_of(subject):
        pytest.skip("its file has changed: python tests/golden.py unlearning")
    assert golden.fault_of(golden.computed_by(subject), then) == ""


def test_most_methods_are_held():
    codes = {row: each["code"] for row, each in STORED["methods"].items()}
    held = [row for row, subject in SUBJECTS.items() if codes.get(row) == golden.code_of(subject)]
    assert len(held) > 0.8 * len(SUBJECTS)


def test_adding_a_little_to_a_feature_is_found(monkeypatch: pytest.MonkeyPatch):
    front_end = features.front_end
    monkeypatch.setattr(features, "front_end", lambda *args: front_end(*args) + 1e-3)
    said = golden.fault(
        "features", golden.computed("features"), STORED["stages"]["features"]["numbers"]
    )
    assert said.startswith("raise the revision of features, or mend the change")


def test_smoothing_labels_in_training_is_found(monkeypatch: pytest.MonkeyPatch):
    smooth = partial(torch.nn.functional.cross_entropy, label_smoothing=0.01)
    changed = dataclasses.replace(stages.toy().hparams, compute_cost=smooth)
    monkeypatch.setitem(stages.toy().__dict__, "hparams", changed)
    said = golden.fault(
        "training", golden.computed("training"), STORED["stages"]["training"]["numbers"]
    )
    assert said.startswith("raise the revision of training, or mend the change")


def test_another_metric_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metrics, "tug_of_war", lambda *_: 0.5)
    stage = "metrics.likeness"
    said = golden.fault(stage, golden.computed(stage), STORED["stages"][stage]["numbers"])
    assert said.startswith("raise the revision of metrics.likeness, or mend the change")
    assert "tow: 0.5" in said


def test_every_metric_and_attack_has_a_stage():
    names = {family.split(".")[0] for family in REVISIONS if "." in family}
    assert names == {"metrics", "attacks"}
    found = {
        name
        for stage in ("metrics.accuracy", "metrics.membership", "metrics.likeness",
                      "metrics.distance", "metrics.harm", "metrics.costs", "attacks.audit",
                      "durability")
        for name in STORED["stages"][stage]["numbers"]
    }  # fmt: skip
    # The toy knows no genders.
    assert set(metrics.METRICS) - found <= {"worst_gender_drop"}
    assert {name for stage in STORED["stages"] if stage.startswith("attacks.")
            for name in STORED["stages"][stage]["numbers"]} >= {
        attack.name for attack in stages.membership.ATTACKS
    }  # fmt: skip


def test_numbers_are_not_overwritten_under_the_same_revision(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "golden.json"
    file.write_bytes(golden.FILE.read_bytes())
    monkeypatch.setattr(golden, "FILE", file)
    golden.store(["metrics.likeness"])
    assert file.read_bytes() == golden.FILE.read_bytes()
    monkeypatch.setattr(metrics, "tug_of_war", lambda *_: 0.5)
    with pytest.raises(SystemExit, match=r"raise the revision of metrics\.likeness"):
        golden.store(["metrics.likeness"])
    monkeypatch.setitem(
        REVISIONS, "metrics.likeness", REVISIONS["metrics.likeness"]._replace(number=1000)
    )
    golden.store(["metrics.likeness"])
    assert golden.stored()["stages"]["metrics.likeness"]["revision"] == 1000
    assert golden.stored()["stages"]["metrics.likeness"]["numbers"]["tow"] == 0.5
