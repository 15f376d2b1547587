"""Go on training without the forget set, while weights are drawn towards zero."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class L1Sparse(Method):
    """Fine-tune on the retain set with an L1 penalty that fades: sparse models forget better.

    min_theta L(D_r; theta) + gamma * (1 - t / T) * ||theta||_1, at step t of T

    The penalty is a part of the loss, as in the paper: no weight becomes exactly zero, and there
    is no pruning. It fades by the step rather than by the epoch.

    Attributes:
        gamma: weight of the penalty at the first step.
        learning_rate: of stochastic gradient descent with a momentum of 0.9.
        steps: of the optimiser, the paper's T.
        batch_size: utterances a step.
    """

    reference = "Jia et al. 2023, Model Sparsity Can Simplify Machine Unlearning, arXiv:2304.04934"
    needs = frozenset({"retain"})
    smoke = {"steps": 2}
    search_space = {
        "gamma": (1e-3, 1e-1, "log"),
        "learning_rate": (1e-3, 5e-3, "log"),
        "steps": (12, 120, "int"),
    }
    presets = {"transformer": {"gamma": 1e-4, "learning_rate": 3e-5}}

    gamma: float = 0.013
    learning_rate: float = 0.0032
    steps: int = 77
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        optimiser = torch.optim.SGD(weights, lr=self.learning_rate, momentum=0.9)
        batches = islice(endless(task.retain, self.batch_size), self.steps)
        train_mode(model)
        for step, (inputs, lengths, labels) in enumerate(batches):
            loss = cross_entropy(model(inputs, lengths), labels)
            norm = torch.stack([weight.abs().sum() for weight in weights]).sum()
            optimiser.zero_grad()
            (loss + self.gamma * (1 - step / self.steps) * norm).backward()
            optimiser.step()
        return model
