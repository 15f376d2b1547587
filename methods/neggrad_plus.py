"""Descend on the retain set and climb on the forget set at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
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
        steps: of the optimiser, at most.
        batch_size: utterances of each set a step.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Kurmanji et al. 2023, Towards Unbounded Machine Unlearning, arXiv:2302.09880"
    needs = frozenset({"forget", "retain"})
    variants = {"zero": {"stop": "zero", "beta": 0.61, "learning_rate": 0.0028, "steps": 46}}
    smoke = {"steps": 2}
    search_space = {
        "beta": (0.5, 0.999, "linear"),
        "learning_rate": (1e-5, 3e-3, "log"),
        "steps": (6, 48, "int"),
    }
    presets = {"transformer": {"learning_rate": 3e-6}}

    beta: float = 0.95
    learning_rate: float = 3e-4
    steps: int = 36
    batch_size: int = 32
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        forget = endless(task.forget, self.batch_size)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, labels in islice(endless(task.retain, self.batch_size), self.steps):
            descent = cross_entropy(model(inputs, lengths), labels)
            inputs, lengths, labels = next(forget)
            ascent = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            (self.beta * descent - (1 - self.beta) * ascent).backward()
            optimiser.step()
            if aim.reached(model):
                break
        return model
