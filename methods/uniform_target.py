"""Teach the model to know nothing about the forget set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import kl_div

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class UniformTarget(Method):
    """Pull the outputs on the forget set towards the uniform distribution.

    min_theta mean over x in D_f of KL(U || softmax f(x; theta)), U(y) = 1 / C

    The direction of the divergence is that of Lee et al.: its gradient in the logits is
    softmax f - U, which is largest where the model is surest. That of KL(softmax f || U), the
    entropy that Yuan et al. maximise, vanishes there. Who knows nothing is right by chance: it is
    no way to an accuracy of zero.

    Attributes:
        learning_rate: of AdamW.
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Yuan et al. 2025, arXiv:2410.08109; Lee et al. 2018, arXiv:1711.09325"
    needs = frozenset({"forget"})
    smoke = {"steps": 2}
    search_space = {"learning_rate": (1e-5, 1e-3, "log"), "steps": (5, 60, "int")}
    presets = {"transformer": {"learning_rate": 5e-7}}

    learning_rate: float = 1.1e-05
    steps: int = 60
    batch_size: int = 16
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate, weight_decay=0.0)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, _ in islice(endless(task.forget, self.batch_size), self.steps):
            outputs = model(inputs, lengths).log_softmax(dim=1)
            uniform = torch.full_like(outputs, 1 / task.n_emotions)
            loss = kl_div(outputs, uniform, reduction="batchmean")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if aim.reached(model):
                break
        return model
