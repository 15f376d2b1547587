"""Unlearn from the forget set alone: changed utterances of it stand in for the retain set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ser_unlearn import (
    Batch,
    FromWaveforms,
    Method,
    Recogniser,
    Task,
    Utterances,
    frozen_copy,
    other_labels,
    sensitivity,
    targeted_pgd,
    train_mode,
)
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._perturbations import perturbed

DOMAINS = ("features", "waveform")


@dataclass(frozen=True)
class Adversarial(Method):
    """Learn wrong labels for the forget set, held back by adversarial examples and the weights.

    min_theta L(D_f with wrong labels) + retention * L(D_a)
              + (strength / 2) * sum_i (1 - importance_i) * (theta_i - theta_o,i)^2

    D_a: forget utterances changed within an L2 ball until the frozen original takes them for
    another emotion, drawn uniformly, and labelled with it. They mark where the original's
    decision boundaries run. All are used, also where the attack fails, as Cha et al. do.

    This project's variants put perturbed copies of forget utterances into D_a, in place of the
    adversarial examples or beside them, as many, each labelled with what the frozen original takes
    it for (see `perturbation_distillation`).

    importance: how strongly the forget set depends on a weight (see `importances`). Weights on
    which it does not depend are held to their original values.

    Attributes:
        learning_rate: of Adam.
        steps: of the optimiser, at most.
        batch_size: utterances a step, with as many adversarial examples.
        stop: the accuracy on the forget set at which to end: "zero"; or "unseen", the original's
            accuracy on unseen utterances.
        adversarial: use the adversarial examples.
        copies: use perturbed copies.
        retention: weight of the loss on the adversarial examples and copies.
        targets: adversarial examples for each utterance, each with a target drawn for itself; and
            copies for each utterance.
        frames: length of a copy.
        domain: what is attacked: "features", or "waveform" through the recipe's front end.
        radius: of the attack, as a share of the L2 norm of each utterance's features or waveform.
        attack_steps: gradients that each attack takes.
        step_size: the length of one of its steps, as a share of the radius.
        elastic: hold weights to their original values.
        strength: of that hold.
        clip: the largest importance, in 0..1; below 1, even the most important weight is held.
    """

    reference = "Ren et al. 2025, arXiv:2510.04251; Cha et al. 2024, arXiv:2301.11578"
    needs = frozenset({"forget"})
    variants = {
        "adv": {"elastic": False},
        "ela": {"adversarial": False},
        "unseen": {
            "stop": "unseen",
            "learning_rate": 5.8e-05,
            "steps": 21,
            "retention": 1.2,
            "strength": 44.0,
        },
        "copies": {"adversarial": False, "copies": True},
        "beside": {"copies": True},
        "copies-unseen": {
            "adversarial": False,
            "copies": True,
            "stop": "unseen",
            "learning_rate": 6.4e-05,
            "steps": 45,
            "retention": 5.2,
            "strength": 2.7,
        },
    }
    smoke = {"steps": 2, "targets": 1, "attack_steps": 2}
    search_space = {
        "learning_rate": (5e-5, 2e-3, "log"),
        "steps": (20, 80, "int"),
        "retention": (0.3, 10.0, "log"),
        "strength": (0.3, 100.0, "log"),
    }
    presets = {"transformer": {"learning_rate": 2e-6, "frames": 16000}}

    learning_rate: float = 0.00041
    steps: int = 76
    batch_size: int = 8
    stop: str = "zero"
    adversarial: bool = True
    copies: bool = False
    retention: float = 0.38
    targets: int = 3
    frames: int = 100
    domain: str = "features"
    radius: float = 0.05
    attack_steps: int = 10
    step_size: float = 0.25
    elastic: bool = True
    strength: float = 0.5
    clip: float = 1.0

    def __post_init__(self) -> None:
        check_stop(self.stop)
        if self.domain not in DOMAINS:
            raise ValueError(f"domain is '{self.domain}'. Choose one of: {', '.join(DOMAINS)}.")

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        examples = self._examples(original, task) if self.adversarial else []
        examples += self._copies(original, task) if self.copies else []
        hold = self._hold(model, task.forget) if self.elastic else {}
        start = dict(original.named_parameters())
        wrong = other_labels(task.forget.labels, task.n_emotions, task.generator)
        relabelled = task.forget.relabelled(wrong)
        optimiser = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, labels in islice(endless(relabelled, self.batch_size), self.steps):
            loss = cross_entropy(model(inputs, lengths), labels)
            if examples:
                chosen = torch.randint(len(examples), (1,), generator=task.generator)
                inputs, lengths, labels = examples[int(chosen)]
                loss = loss + self.retention * cross_entropy(model(inputs, lengths), labels)
            if hold:
                loss = loss + self.strength / 2 * departure(model, start, hold)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if aim.reached(model):
                break
        return model

    def _examples(self, original: nn.Module, task: Task) -> list[Batch]:
        """Batches of adversarial examples, as features with the emotions that they aim at."""
        heard = FromWaveforms(task.features, original)
        attacked = original if self.domain == "features" else heard
        examples = []
        for _ in range(self.targets):
            for batch in self._clean(task.forget):
                aims = other_labels(batch.labels, task.n_emotions, task.generator)
                inputs = targeted_pgd(
                    attacked,
                    batch,
                    aims,
                    radius=self.radius,
                    steps=self.attack_steps,
                    step_size=self.step_size,
                )
                if self.domain == "waveform":
                    inputs = heard.features(inputs, batch.lengths)
                examples.append(Batch(inputs, batch.lengths, aims))
        return examples

    def _copies(self, original: nn.Module, task: Task) -> list[Batch]:
        """Batches of perturbed copies, with what the original takes them for."""
        count = self.targets * len(task.forget)
        drawn = perturbed(task.forget.whole(), count, self.frames, task.generator)
        copies = []
        for inputs, lengths in zip(
            drawn.inputs.split(self.batch_size), drawn.lengths.split(self.batch_size), strict=True
        ):
            with torch.no_grad():
                answers = original(inputs, lengths).argmax(dim=1)
            copies.append(Batch(inputs, lengths, answers))
        return copies

    def _clean(self, forget: Utterances) -> list[Batch]:
        """The forget set once: crops of features in random order, or whole waveforms."""
        if self.domain == "features":
            return list(forget.batches(self.batch_size))
        everyone = forget.waveforms()
        return [
            Batch(*each)
            for each in zip(*(part.split(self.batch_size) for part in everyone), strict=True)
        ]

    def _hold(self, model: Recogniser, forget: Utterances) -> dict[str, Tensor]:
        """How firmly each weight is held, in 0..1: the less important, the firmer."""
        return {
            name: 1 - importance.clamp(max=self.clip)
            for name, importance in importances(model, forget).items()
        }


def importances(model: Recogniser, utterances: Utterances) -> dict[str, Tensor]:
    """How strongly what a model says of utterances depends on each weight, in 0..1 by its name.

    `ser_unlearn.sensitivity` over the largest in the same tensor. A tensor without any gradient has
    importance 0, not 0 / 0.
    """
    return {
        name: each / each.max().clamp_min(torch.finfo(each.dtype).tiny)
        for name, each in sensitivity(model, utterances).items()
    }


def departure(model: nn.Module, start: Mapping[str, Tensor], hold: Mapping[str, Tensor]) -> Tensor:
    """How far the weights have gone from where they started: sum of hold * (theta - start)^2."""
    parts = [
        (hold[name] * (weight - start[name]).square()).sum()
        for name, weight in model.named_parameters()
    ]
    return torch.stack(parts).sum()
