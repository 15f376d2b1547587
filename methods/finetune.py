"""Go on training without the forget set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode


@dataclass(frozen=True)
class Finetune(Method):
    """Go on training on the retain set, and trust that what is not rehearsed fades.

    min_theta L(D_r; theta), from the original weights

    Attributes:
        learning_rate: of AdamW.
        epochs: passes over the retain set.
        batch_size: utterances a step.
    """

    reference = "Warnecke et al. 2023, arXiv:2108.11577; Golatkar et al. 2020, arXiv:1911.04933"
    needs = frozenset({"retain"})
    smoke = {"epochs": 1}
    search_space = {"learning_rate": (1e-4, 1e-2, "log"), "epochs": (1, 10, "int")}

    learning_rate: float = 1e-3
    epochs: int = 3
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.retain.batches(self.batch_size):
                loss = cross_entropy(model(inputs, lengths), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return model
