"""Teach wrong emotions to the weights that matter to what is to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, other_labels, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._saliency import keep, salient, weights_of


@dataclass(frozen=True)
class SalunForget(Method):
    """Fine-tune on randomly relabelled forget data, in the weights most salient to it alone.

    min_theta L({(x, y') : (x, y) in D_f}; theta), theta = theta_o + m * change,
    m = 1 for the weights with the largest |gradient of L(D_f; theta_o)|, else 0

    The paper adds the retain set to the fine-tuning; here the forget set stands alone. Its code
    masks gradients, which lets weight decay move the other weights; here they are put back after
    each step.

    Attributes:
        learning_rate: of AdamW.
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        share: of the weights that may change, in 0..1.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Fan et al. 2024, SalUn, arXiv:2310.12508"
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "learning_rate": 0.0009, "steps": 33, "share": 0.7}}
    smoke = {"steps": 2}
    search_space = {
        "learning_rate": (1e-5, 1e-3, "log"),
        "steps": (5, 60, "int"),
        "share": [0.1, 0.3, 0.5, 0.7],
    }
    presets = {"transformer": {"learning_rate": 1e-6}}

    learning_rate: float = 1.2e-05
    steps: int = 30
    batch_size: int = 32
    share: float = 0.5
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        mask = salient(model, task.forget, self.share, self.batch_size)
        before = weights_of(model)
        wrong = other_labels(task.forget.labels, task.n_emotions, task.generator)
        relabelled = task.forget.relabelled(wrong)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, labels in islice(endless(relabelled, self.batch_size), self.steps):
            loss = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            keep(model, mask, before)
            if aim.reached(model):
                break
        return model
