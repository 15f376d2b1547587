"""Climb the loss of the forget set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode


@dataclass(frozen=True)
class GradientAscent(Method):
    """Ascend on the cross-entropy of the forget set.

    max_theta L(D_f; theta)

    Attributes:
        learning_rate: of stochastic gradient descent, with the sign of the loss turned.
        epochs: passes over the forget set.
        batch_size: utterances a step.
        max_norm: the gradient's L2 norm is clipped to it, for the loss has no upper bound.
    """

    reference = "Golatkar et al. 2020, arXiv:1911.04933; Thudi et al. 2022, arXiv:2109.13398"
    needs = frozenset({"forget"})
    smoke = {"epochs": 1}
    search_space = {"learning_rate": (1e-4, 1e-1, "log"), "epochs": (2, 30, "int")}

    learning_rate: float = 1e-3
    epochs: int = 10
    batch_size: int = 16
    max_norm: float = 1.0

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.SGD(model.parameters(), lr=self.learning_rate, momentum=0.9)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.forget.batches(self.batch_size):
                loss = -cross_entropy(model(inputs, lengths), labels)
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), self.max_norm)
                optimiser.step()
        return model
