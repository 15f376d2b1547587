"""Teach the model to know nothing about the forget set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import kl_div

from ser_unlearn import Method, Recogniser, Task, train_mode


@dataclass(frozen=True)
class UniformTarget(Method):
    """Pull the outputs on the forget set towards the uniform distribution.

    min_theta mean over x in D_f of KL(U || softmax f(x; theta)), U(y) = 1 / C

    The direction of the divergence is that of Lee et al.: its gradient in the logits is
    softmax f - U, which is largest where the model is surest. That of KL(softmax f || U), the
    entropy that Yuan et al. maximise, vanishes there.

    Attributes:
        learning_rate: of AdamW.
        epochs: passes over the forget set.
        batch_size: utterances a step.
    """

    reference = "Yuan et al. 2025, arXiv:2410.08109; Lee et al. 2018, arXiv:1711.09325"
    needs = frozenset({"forget"})
    smoke = {"epochs": 1}
    search_space = {"learning_rate": (1e-5, 1e-2, "log"), "epochs": (1, 20, "int")}

    learning_rate: float = 5e-5
    epochs: int = 5
    batch_size: int = 16

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate, weight_decay=0.0)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, _ in task.forget.batches(self.batch_size):
                outputs = model(inputs, lengths).log_softmax(dim=1)
                uniform = torch.full_like(outputs, 1 / task.n_emotions)
                loss = kl_div(outputs, uniform, reduction="batchmean")
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return model
