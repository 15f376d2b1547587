"""Faults planted in the methods that are there: which check, or which equation, finds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import planted, shipped
from softmax_regression import loss_on
from toys import ToySetup, make_task

from ser_unlearn.checks.conformance import verdict
from ser_unlearn.checks.subjects import Subject
from ser_unlearn.methods._saliency import salient

pytestmark = pytest.mark.slow

WRONG = "other_labels(task.forget.labels, task.n_emotions, task.generator)"
ANY = "torch.randint(task.n_emotions, (len(task.forget),), generator=task.generator)"
WRONG_EACH = "other_labels(labels, task.n_emotions, task.generator)"
ANY_EACH = "torch.randint(task.n_emotions, labels.shape, generator=task.generator)"

RELABELS = (WRONG, ANY)
HEAD = ("model.parameters(), lr", "model.classifier.parameters(), lr")
CROSS = "cross_entropy(model(inputs, lengths)"
SOFTMAX = (CROSS, f"{CROSS}.softmax(1)")
SEEDS = ("task.generator", "torch.Generator().manual_seed(0)")
THAWS = ("= frozen_copy(model)", "= copy.deepcopy(model)")
TAKES_RETAIN = ("endless(task.forget", "endless(task.retain")
GRADIENT_OF_RETAIN = ("mean_gradient(model, task.forget", "mean_gradient(model, task.retain")

FAULTS: list[tuple[str, str, tuple[str, str]]] = [
    ("scrub", "declared_is_used", TAKES_RETAIN),
    ("bad_teaching", "declared_is_used", TAKES_RETAIN),
    ("unsir", "declared_is_used", ("task.forget.batches", "task.retain.batches")),
    ("neggrad_plus", "direction", TAKES_RETAIN),
    ("msg", "declared_is_used", GRADIENT_OF_RETAIN),
    ("influence", "declared_is_used", GRADIENT_OF_RETAIN),
    ("amun", "direction", ("in task.forget.batches", "in task.retain.batches")),
    (
        "scrub",
        "divergence_direction",
        (
            "log_softmax(student / temperature, dim=1),\n"
            "        log_softmax(teacher / temperature, dim=1)",
            "log_softmax(teacher / temperature, dim=1),\n"
            "        log_softmax(student / temperature, dim=1)",
        ),
    ),
    ("bad_teaching", "divergence_direction", ("(actual, expected", "(expected, actual")),
    ("perturbation_distillation", "divergence_direction", ("(given, wanted", "(wanted, given")),
    (
        "uniform_target",
        "divergence_direction",
        ("kl_div(outputs, uniform", "kl_div(uniform.log(), outputs.exp()"),
    ),
    ("uniform_target", "divergences", (".log_softmax(dim=1)", "")),
    ("finetune", "whole_model", HEAD),
    ("random_label", "whole_model", HEAD),
    ("neggrad_plus", "whole_model", HEAD),
    ("finetune", "losses", SOFTMAX),
    ("random_label", "losses", SOFTMAX),
    ("gradient_ascent", "losses", SOFTMAX),
    ("npo", "losses", SOFTMAX),
    ("random_label", "wrong_labels", RELABELS),
    ("salun_forget", "wrong_labels", RELABELS),
    ("adversarial", "wrong_labels", RELABELS),
    ("salun", "wrong_labels", (WRONG_EACH, ANY_EACH)),
    ("random_label", "own_seed", SEEDS),
    ("jit", "own_seed", SEEDS),
    ("random_noise", "own_seed", SEEDS),
    ("fisher_forgetting", "own_seed", SEEDS),
    ("scrub", "frozen_teachers", THAWS),
    ("npo", "frozen_teachers", THAWS),
]


def load(folder: Path, method: str, *changes: tuple[str, str]) -> Subject:
    """A method, of its file with other text in places."""
    source = planted(shipped(method), *changes)
    if "copy.deepcopy" in source and "import copy" not in source:
        source = planted(source, ("import torch\n", "import copy\n\nimport torch\n"))
    # Modules are known by their names, and each test has a folder of its own.
    path = folder / f"{method}_in_{folder.name}.py"
    path.write_text(source)
    return Subject(path)


@pytest.mark.parametrize(
    ("method", "check", "change"), FAULTS, ids=[f"{method}-{check}" for method, check, _ in FAULTS]
)
def test_a_check_finds_it(tmp_path: Path, method: str, check: str, change: tuple[str, str]):
    found = verdict(load(tmp_path, method, change), check)
    assert found
    # It finds the fault, and does not stumble over it.
    assert "Error" not in found


# What no check can know, for these methods alone are to do it.

KEEP = "            keep(model, mask, before)\n"
INVERTED = ("keep(model, mask,", "keep(model, {name: ~each for name, each in mask.items()},")
GRADIENTS_ALONE = (
    "            optimiser.step()\n",
    "            for name, weight in model.named_parameters():\n"
    "                weight.grad *= mask[name]\n"
    "            optimiser.step()\n",
)


MASKS = {
    "sound": ([], False),
    "absent": ([(KEEP, "")], True),
    "leaking weight decay": ([(KEEP, ""), GRADIENTS_ALONE], True),
    "inverted": ([INVERTED], True),
}


@pytest.mark.parametrize("method", ["salun", "salun_forget"])
@pytest.mark.parametrize("mask", MASKS)
def test_weights_that_are_not_salient_stay(setup: ToySetup, tmp_path: Path, method: str, mask: str):
    changes, moves = MASKS[mask]
    subject = load(tmp_path, method, *changes)
    model, task, _ = make_task(setup, method)
    may_move = salient(model, task.forget, 0.5, 32)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    subject.cls(share=0.5).unlearn(model, task)
    moved = {name: weight != before[name] for name, weight in model.named_parameters()}
    assert any(bool((moved[name] & ~may_move[name]).any()) for name in moved) == moves


@pytest.mark.parametrize(
    ("method", "parameters", "change"),
    [
        (
            "salun",
            {"share": 1.0, "alpha": 0.0, "learning_rate": 1e-3},
            ("endless(task.forget", "endless(task.retain"),
        ),
        (
            "bad_teaching",
            {},
            ("reinitialise(incompetent", "reinitialise(competent"),
        ),
    ],
    ids=["salun without rehearsal", "bad_teaching"],
)
def test_the_forget_set_is_harmed_more_than_the_retain_set(
    setup: ToySetup,
    tmp_path: Path,
    method: str,
    parameters: dict[str, float],
    change: tuple[str, str],
):
    def harms(name: str, *changes: tuple[str, str]) -> list[float]:
        (tmp_path / name).mkdir()
        subject = load(tmp_path / name, method, *changes)
        model, task, _ = make_task(setup, method)
        before = [loss_on(model, data) for data in (task.forget, task.retain)]
        model = subject.cls(**parameters).unlearn(model, task)
        after = [loss_on(model, data) for data in (task.forget, task.retain)]
        return [now - then for now, then in zip(after, before, strict=True)]

    forget, retain = harms("sound")
    assert forget > retain
    forget, retain = harms("mistaken", change)
    assert forget < retain
