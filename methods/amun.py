"""Fine-tune on the nearest adversarial examples of the forget set, and all the rest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ser_unlearn import Batch, Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._batches import spread
from ser_unlearn.methods._nearest import nearest


@dataclass(frozen=True)
class Amun(Method):
    """Fine-tune on everything and on the forget set's nearest adversarial examples.

    min_theta mean of the cross-entropy over D_r, D_f and D_A,
    D_A = the nearest x' to each x of D_f that the original model gets wrong, with its wrong label

    The nearest is sought as in the paper: an attack within a ball whose radius doubles until it
    succeeds. The attack here aims at the wrong emotion that the model finds likeliest, where the
    paper's merely leaves the right one, and takes fewer steps. An utterance that withstands
    all radii has no adversarial example. Whole utterances are attacked; a step takes a batch of
    the retain set and its share of the two other sets, so that an epoch passes through each once.

    Attributes:
        radius: the first, as a share of the input's L2 norm.
        doublings: how often the radius may double.
        attack_steps: gradients at each radius.
        step_size: of the attack, as a share of the radius.
        learning_rate: of AdamW.
        epochs: passes over the three sets.
        batch_size: utterances of the retain set a step.
    """

    reference = "Ebrahimpour-Boroojeny et al. 2025, Not All Wrong is Bad, arXiv:2503.00917"
    needs = frozenset({"forget", "retain"})
    smoke = {"doublings": 1, "attack_steps": 2, "epochs": 1}
    search_space = {
        "radius": (5e-3, 5e-2, "log"),
        "attack_steps": [5, 10, 20, 50],
        "learning_rate": (1e-5, 3e-3, "log"),
        "epochs": (1, 10, "int"),
    }

    radius: float = 0.02
    doublings: int = 4
    attack_steps: int = 10
    step_size: float = 0.25
    learning_rate: float = 1e-3
    epochs: int = 4
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        size = spread(task.forget, -(-len(task.retain) // self.batch_size))
        original = frozen_copy(model)
        wrong = [
            found
            for batch in task.forget.batches(size, shuffle=False, crop=False)
            if len((found := self._nearest(original, batch)).labels)
        ]
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for _ in range(self.epochs):
            retain, forget = task.retain.batches(self.batch_size), task.forget.batches(size)
            order = torch.randperm(len(wrong), generator=task.generator).tolist()
            for batches in zip_longest(retain, forget, (wrong[each] for each in order)):
                losses = [
                    cross_entropy(
                        model(batch.inputs, batch.lengths), batch.labels, reduction="none"
                    )
                    for batch in batches
                    if batch is not None
                ]
                optimiser.zero_grad()
                torch.cat(losses).mean().backward()
                optimiser.step()
        return model

    def _nearest(self, original: nn.Module, batch: Batch) -> Batch:
        """The nearest inputs that a model gets wrong, with its wrong labels; none for some."""
        (inputs, lengths, labels), found = nearest(
            original,
            batch,
            radius=self.radius,
            doublings=self.doublings,
            attack_steps=self.attack_steps,
            step_size=self.step_size,
        )
        return Batch(inputs[found], lengths[found], labels[found])
