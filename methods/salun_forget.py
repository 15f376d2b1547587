"""Teach wrong emotions to the weights that matter to what is to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, other_labels, train_mode
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
        epochs: passes over the forget set.
        batch_size: utterances a step.
        share: of the weights that may change, in 0..1.
    """

    reference = "Fan et al. 2024, SalUn, arXiv:2310.12508"
    needs = frozenset({"forget"})
    smoke = {"epochs": 1}
    search_space = {
        "learning_rate": (1e-5, 1e-3, "log"),
        "epochs": (2, 20, "int"),
        "share": [0.1, 0.3, 0.5, 0.7],
    }

    learning_rate: float = 5e-5
    epochs: int = 10
    batch_size: int = 32
    share: float = 0.5

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        mask = salient(model, task.forget, self.share, self.batch_size)
        before = weights_of(model)
        wrong = other_labels(task.forget.labels, task.n_emotions, task.generator)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.forget.relabelled(wrong).batches(self.batch_size):
                loss = cross_entropy(model(inputs, lengths), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                keep(model, mask, before)
        return model
