"""The suite that methods are under catches the faults that it is there for.

Each case is a sound method with one fault planted in it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ser_unlearn.checks.conformance import CHECKS, verdict
from ser_unlearn.checks.subjects import Subject
from ser_unlearn.cli import main

SOUND = '''
import copy
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode


@dataclass(frozen=True)
class Distil(Method):
    """Distil the retain set from the original while climbing the loss of the forget set.

    Attributes:
        learning_rate: of plain gradient descent.
        batch_size: utterances a step.
    """

    reference = "made up"
    needs = frozenset({"forget", "retain"})

    learning_rate: float = 0.002
    batch_size: int = 8

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        teacher = frozen_copy(model)
        optimiser = torch.optim.SGD(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for inputs, lengths, labels in task.retain.batches(self.batch_size):
            with torch.no_grad():
                target = softmax(teacher(inputs, lengths), dim=1)
            logits = model(inputs, lengths)
            keep = kl_div(log_softmax(logits, dim=1), target, reduction="batchmean")
            inputs, lengths, labels = next(task.forget.batches(self.batch_size))
            loss = keep - cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return model
'''

FORGET_ONLY = SOUND.replace(
    'needs = frozenset({"forget", "retain"})', 'needs = frozenset({"forget"})'
)

FAULTS = {
    "the teacher is the student": (
        SOUND.replace("teacher = frozen_copy(model)", "teacher = model"),
        "teachers",
    ),
    "the teacher shares the student's weights": (
        SOUND.replace("teacher = frozen_copy(model)", "teacher = copy.copy(model)").replace(
            "for inputs, lengths, labels in task.retain.batches(self.batch_size):",
            "for inputs, lengths, labels in [next(task.retain.batches(self.batch_size))]:",
        ),
        "teachers",
    ),
    "the optimiser holds another model's weights": (
        SOUND.replace("SGD(model.parameters()", "SGD(copy.deepcopy(model).parameters()"),
        "weights_change",
    ),
    "the untouched model is returned": (
        SOUND.replace(
            "teacher = frozen_copy(model)",
            "teacher = frozen_copy(model); given = model; model = copy.deepcopy(model)",
        ).replace("return model", "return given"),
        "weights_change",
    ),
    "undeclared data is touched": (FORGET_ONLY, "declared_data"),
    "undeclared data is touched behind the task's back": (
        FORGET_ONLY.replace(
            "task.retain.batches",
            'task._setup.utterances(task._sets["retain"], task.generator).batches',
        ),
        "declared_data",
    ),
    "the divergence is of raw logits": (
        SOUND.replace("kl_div(log_softmax(logits, dim=1), target", "kl_div(logits, target"),
        "divergences",
    ),
    "the gradient is negated before backward overwrites it": (
        SOUND.replace("keep - cross_entropy", "keep + cross_entropy").replace(
            "            loss.backward()",
            "            for weight in model.parameters():\n"
            "                weight.grad = None if weight.grad is None else -weight.grad\n"
            "            loss.backward()",
        ),
        "direction",
    ),
    "the sign of the loss is wrong": (
        SOUND.replace("keep - cross_entropy", "keep + cross_entropy"),
        "direction",
    ),
    "batch normalisation takes new statistics": (
        SOUND.replace("train_mode(model)\n", "model.train()\n"),
        "model_is_left_usable",
    ),
    "weights stay frozen": (
        SOUND.replace("return model", "return model.requires_grad_(False)"),
        "model_is_left_usable",
    ),
    "randomness comes from elsewhere": (
        SOUND.replace("loss = keep", "loss = next(noise) * keep").replace(
            "@dataclass", "noise = iter(range(10**6))\n\n\n@dataclass"
        ),
        "determinism",
    ),
    "the model's operations escape the count": (
        SOUND.replace("teacher(inputs, lengths)", "teacher.forward(inputs, lengths)").replace(
            "logits = model(inputs, lengths)",
            "logits = model.classifier.forward(model.embed(inputs, lengths)[:, None])[:, 0]",
        ),
        "operations",
    ),
    "weights become infinite": (
        SOUND.replace("learning_rate: float = 0.002", "learning_rate: float = 1e30"),
        "result",
    ),
    "a field is not explained": (
        SOUND.replace("        batch_size: utterances a step.\n", ""),
        "documentation",
    ),
    "another object is returned": (SOUND.replace("return model", "return None"), "result"),
    "an exception is raised": (
        SOUND.replace("teacher = frozen_copy(model)", "raise ValueError('no')"),
        "result",
    ),
}  # fmt: skip


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(source)
    return path


LONG = {"declared_data", "fresh_process"}
"""Checks that compute the toy's statistics, or start another process."""


@pytest.mark.parametrize(
    "check",
    [pytest.param(check, marks=[pytest.mark.slow] * (check in LONG)) for check in CHECKS],
)
def test_the_sound_method_passes(tmp_path: Path, check: str):
    subject = Subject(write(tmp_path, f"sound_{check}", SOUND))
    assert verdict(subject, check) == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(tmp_path: Path, fault: str):
    source, check = FAULTS[fault]
    assert source not in (SOUND, FORGET_ONLY) or check == "declared_data"
    subject = Subject(write(tmp_path, f"faulty_{list(FAULTS).index(fault)}", source))
    assert verdict(subject, check) != ""


@pytest.mark.slow
def test_check_method_prints_what_fails_and_why(tmp_path: Path):
    source, check = FAULTS["batch normalisation takes new statistics"]
    result = CliRunner().invoke(main, ["check-method", str(write(tmp_path, "careless", source))])
    assert result.exit_code == 1
    failed = [line for line in result.output.splitlines() if line.startswith("FAILED")]
    meaning = (CHECKS[check].__doc__ or "").splitlines()[0]
    assert f"FAILED  careless: {meaning}" in failed
    assert "use train_mode(model) to train" in result.output


@pytest.mark.slow
def test_check_method_knows_names(tmp_path: Path):
    result = CliRunner().invoke(main, ["check-method", "original"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "All checks passed.")
    assert result.output.count("passed  original") == len(CHECKS)
    unknown = CliRunner().invoke(main, ["check-method", "orignal"])
    assert unknown.exit_code == 2
    assert "Did you mean original?" in unknown.output
