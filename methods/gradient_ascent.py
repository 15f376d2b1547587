"""Climb the loss of the forget set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class GradientAscent(Method):
    """Ascend on the cross-entropy of the forget set.

    max_theta L(D_f; theta)

    Attributes:
        learning_rate: of stochastic gradient descent, with the sign of the loss turned.
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        max_norm: the gradient's L2 norm is clipped to it, for the loss has no upper bound.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Golatkar et al. 2020, arXiv:1911.04933; Thudi et al. 2022, arXiv:2109.13398"
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "learning_rate": 0.0064, "steps": 35}}
    smoke = {"steps": 2}
    search_space = {"learning_rate": (1e-4, 1e-1, "log"), "steps": (5, 60, "int")}

    learning_rate: float = 0.00024
    steps: int = 45
    batch_size: int = 16
    max_norm: float = 1.0
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.SGD(model.parameters(), lr=self.learning_rate, momentum=0.9)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, labels in islice(endless(task.forget, self.batch_size), self.steps):
            loss = -cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.max_norm)
            optimiser.step()
            if aim.reached(model):
                break
        return model
