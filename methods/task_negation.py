"""Learn the forget set even better, and then go the other way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class TaskNegation(Method):
    """Fine-tune on the forget set, and subtract what this changed from the original weights.

    theta <- theta_o - alpha * (theta_f - theta_o),
    theta_f = argmin_theta L(D_f; theta), from theta_o

    In the paper the starting point knows nothing of the task that it is made to forget. Here it
    was trained on the forget set, whose gradients are small by then: a larger alpha makes up.

    Attributes:
        alpha: length of the step back, in lengths of the fine-tuning's own step.
        learning_rate: of AdamW, for the fine-tuning.
        steps: of the fine-tuning.
        batch_size: utterances a step.
    """

    reference = "Ilharco et al. 2023, Editing Models with Task Arithmetic, arXiv:2212.04089"
    needs = frozenset({"forget"})
    smoke = {"steps": 2}
    search_space = {
        "alpha": (0.1, 10.0, "log"),
        "learning_rate": (1e-5, 1e-2, "log"),
        "steps": (2, 60, "int"),
    }
    presets = {"transformer": {"learning_rate": 1e-6}}

    alpha: float = 1.2
    learning_rate: float = 0.00019
    steps: int = 40
    batch_size: int = 16

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        before = [weight.detach().clone() for weight in model.parameters()]
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate, weight_decay=0.0)
        train_mode(model)
        for inputs, lengths, labels in islice(endless(task.forget, self.batch_size), self.steps):
            loss = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            for weight, start in zip(model.parameters(), before, strict=True):
                weight.copy_(start - self.alpha * (weight - start))
        return model
