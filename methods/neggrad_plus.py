"""Descend on the retain set and climb on the forget set at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class NegGradPlus(Method):
    """Descend on the retain set while ascending on the forget set.

    min_theta beta * L(D_r; theta) - (1 - beta) * L(D_f; theta)

    Every batch of the retain set meets one of the forget set, which starts over when it is used
    up.

    Attributes:
        beta: weight of the retain set, in 0..1; the forget set has the rest.
        learning_rate: of AdamW.
        epochs: passes over the retain set.
        batch_size: utterances of each set a step.
    """

    reference = "Kurmanji et al. 2023, Towards Unbounded Machine Unlearning, arXiv:2302.09880"
    needs = frozenset({"forget", "retain"})
    smoke = {"epochs": 1}
    search_space = {
        "beta": (0.5, 0.999, "linear"),
        "learning_rate": (1e-5, 3e-3, "log"),
        "epochs": (1, 10, "int"),
    }

    beta: float = 0.99
    learning_rate: float = 1e-3
    epochs: int = 3
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        forget = endless(task.forget, self.batch_size)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.retain.batches(self.batch_size):
                descent = cross_entropy(model(inputs, lengths), labels)
                inputs, lengths, labels = next(forget)
                ascent = cross_entropy(model(inputs, lengths), labels)
                optimiser.zero_grad()
                (self.beta * descent - (1 - self.beta) * ascent).backward()
                optimiser.step()
        return model
