"""Fine-tune on the nearest adversarial examples of the forget set, and all the rest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._nearest import nearest


@dataclass(frozen=True)
class Amun(Method):
    """Fine-tune on everything and on the forget set's nearest adversarial examples.

    min_theta L(D_r; theta) + alpha * (L(D_f; theta) + L(D_A; theta)),
    D_A = the nearest x' to each x of D_f that the original model gets wrong, with its wrong label

    The nearest is sought as in the paper: an attack within a ball whose radius doubles until it
    succeeds. The attack here aims at the wrong emotion that the model finds likeliest, where the
    paper's merely leaves the right one, and takes fewer steps. An utterance that withstands
    all radii stands for itself. Whole utterances are attacked and learned from. The paper puts
    the three sets into one, in which the forget set weighs by its size.

    Attributes:
        radius: the first, as a share of the input's L2 norm.
        doublings: how often the radius may double.
        attack_steps: gradients at each radius.
        step_size: of the attack, as a share of the radius.
        learning_rate: of AdamW.
        steps: of the optimiser.
        batch_size: utterances of each of the three sets a step.
        alpha: weight of the forget set and of its adversarial examples.
    """

    reference = "Ebrahimpour-Boroojeny et al. 2025, Not All Wrong is Bad, arXiv:2503.00917"
    needs = frozenset({"forget", "retain"})
    smoke = {
        "doublings": 1,
        "attack_steps": 2,
        "steps": 2,
        "radius": 0.02,
        "learning_rate": 1e-3,
        "alpha": 0.1,
    }
    search_space = {
        "radius": (5e-3, 5e-2, "log"),
        "learning_rate": (1e-5, 3e-3, "log"),
        "steps": (12, 54, "int"),
        "alpha": (1e-2, 1.0, "log"),
    }
    presets = {"transformer": {"learning_rate": 1e-5}}

    radius: float = 0.0091
    doublings: int = 4
    attack_steps: int = 10
    step_size: float = 0.25
    learning_rate: float = 0.0028
    steps: int = 51
    batch_size: int = 16
    alpha: float = 0.015

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        pairs = [
            (forget, nearest(original, forget, self))
            for forget in task.forget.batches(self.batch_size, crop=False)
        ]
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        steps = zip(endless(task.retain, self.batch_size), cycle(pairs), strict=False)
        for retain, (forget, wrong) in islice(steps, self.steps):
            kept, own, other = (
                cross_entropy(model(inputs, lengths), labels)
                for inputs, lengths, labels in (retain, forget, wrong)
            )
            optimiser.zero_grad()
            (kept + self.alpha * (own + other)).backward()
            optimiser.step()
        return model
