"""Go on training without the forget set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class Finetune(Method):
    """Go on training on the retain set, and trust that what is not rehearsed fades.

    min_theta L(D_r; theta), from the original weights

    Attributes:
        learning_rate: of AdamW.
        steps: of the optimiser.
        batch_size: utterances a step.
    """

    reference = "Warnecke et al. 2023, arXiv:2108.11577; Golatkar et al. 2020, arXiv:1911.04933"
    needs = frozenset({"retain"})
    smoke = {"steps": 2}
    search_space = {"learning_rate": (1e-4, 1e-2, "log"), "steps": (12, 120, "int")}
    presets = {"transformer": {"learning_rate": 1e-5}}

    learning_rate: float = 0.0031
    steps: int = 95
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for inputs, lengths, labels in islice(endless(task.retain, self.batch_size), self.steps):
            loss = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return model
