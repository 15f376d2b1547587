"""Teach what the model itself says of the nearest inputs that it gets wrong."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ser_unlearn import Batch, Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._nearest import nearest


@dataclass(frozen=True)
class AmunForget(Method):
    """Fine-tune on the forget set and on its nearest adversarial examples, with their labels.

    min_theta L(D_f + D_a; theta), D_a = {(x + d, argmax of the original at x + d)},
    d the smallest that changes the label

    An utterance and its adversarial example are neighbours with different labels, so the model
    becomes as unsure of the utterance as of one that it never heard, and hardly changes elsewhere.
    This is the paper's setting without retained data.

    The radius of the attack doubles until the label changes, as in the paper. The attack aims at
    the wrong emotion that the model finds likeliest, where the paper's merely leaves the right
    one, and takes fewer steps than its 50. Whole utterances are attacked and fine-tuned on, so
    that the two stay neighbours.

    Attributes:
        learning_rate: of AdamW.
        epochs: passes over the utterances and their adversarial examples.
        batch_size: utterances a step; as many adversarial examples come with them.
        radius: the first one tried, as a share of the input's L2 norm.
        doublings: how often the radius may double.
        attack_steps: gradients at each radius.
        step_size: of the attack, as a share of the radius.
        relabel: give the adversarial example's label to the utterance too; otherwise it keeps its
            own, as in the paper.
    """

    reference = "Ebrahimpour-Boroojeny et al. 2025, AMUN, ICML, arXiv:2503.00917"
    needs = frozenset({"forget"})
    smoke = {"epochs": 1, "attack_steps": 2, "doublings": 1}
    variants = {"relabel": {"relabel": True, "learning_rate": 1e-4}}
    search_space = {
        "learning_rate": (1e-5, 1e-3, "log"),
        "epochs": (2, 20, "int"),
        "radius": [0.005, 0.01, 0.02],
    }

    learning_rate: float = 5e-4
    epochs: int = 5
    batch_size: int = 32
    radius: float = 0.01
    doublings: int = 5
    attack_steps: int = 10
    step_size: float = 0.25
    relabel: bool = False

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        pairs = [
            (forget, self._nearest(original, forget))
            for forget in task.forget.batches(self.batch_size, crop=False)
        ]
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for _ in range(self.epochs):
            for forget, wrong in pairs:
                labels = torch.cat([wrong.labels if self.relabel else forget.labels, wrong.labels])
                inputs = torch.cat([forget.inputs, wrong.inputs])
                loss = cross_entropy(model(inputs, forget.lengths.repeat(2)), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return model

    def _nearest(self, original: nn.Module, batch: Batch) -> Batch:
        """The nearest adversarial examples; an utterance without one stands for itself."""
        examples, _ = nearest(
            original,
            batch,
            radius=self.radius,
            doublings=self.doublings,
            attack_steps=self.attack_steps,
            step_size=self.step_size,
        )
        return examples
