"""Go on training without the forget set, while weights are drawn towards zero."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode


@dataclass(frozen=True)
class L1Sparse(Method):
    """Fine-tune on the retain set with an L1 penalty that fades: sparse models forget better.

    min_theta L(D_r; theta) + gamma * (1 - t / T) * ||theta||_1, at step t of T

    The penalty is a part of the loss, as in the paper: no weight becomes exactly zero, and there
    is no pruning. It fades by the step rather than by the epoch, for the epochs are few.

    Attributes:
        gamma: weight of the penalty at the first step.
        learning_rate: of stochastic gradient descent with a momentum of 0.9.
        epochs: passes over the retain set.
        batch_size: utterances a step.
    """

    reference = "Jia et al. 2023, Model Sparsity Can Simplify Machine Unlearning, arXiv:2304.04934"
    needs = frozenset({"retain"})
    smoke = {"epochs": 1}
    search_space = {
        "gamma": (1e-5, 3e-2, "log"),
        "learning_rate": (1e-4, 1e-2, "log"),
        "epochs": (1, 10, "int"),
    }

    gamma: float = 3e-3
    learning_rate: float = 3e-3
    epochs: int = 5
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        optimiser = torch.optim.SGD(weights, lr=self.learning_rate, momentum=0.9)
        steps, step = self.epochs * -(-len(task.retain) // self.batch_size), 0
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.retain.batches(self.batch_size):
                loss = cross_entropy(model(inputs, lengths), labels)
                norm = torch.stack([weight.abs().sum() for weight in weights]).sum()
                optimiser.zero_grad()
                (loss + self.gamma * (1 - step / steps) * norm).backward()
                optimiser.step()
                step += 1
        return model
