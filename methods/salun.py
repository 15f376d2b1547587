"""Relabel the forget set at random, but change only the weights that it moves most."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, other_labels, train_mode
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._saliency import keep, salient, weights_of


@dataclass(frozen=True)
class Salun(Method):
    """Learn random labels for the forget set in the salient weights alone, and rehearse the rest.

    min_theta L(D_f, y'; theta) + alpha * L(D_r; theta), y' != y at random,
    over the weights where |grad L(D_f; theta_o)| is among the largest

    The published code puts the two sets into one, in which the forget set weighs by its size;
    the paper's sum of two means is followed here. The wrong labels are drawn anew at each step,
    as the paper's expectation says. The other weights stay what they were bit for bit: momentum
    and weight decay do not reach them.

    Attributes:
        share: of all weights, the share that may change.
        alpha: weight of the retain set.
        learning_rate: of AdamW.
        epochs: passes over the retain set.
        batch_size: utterances of each set a step.
    """

    reference = "Fan et al. 2023, SalUn, arXiv:2310.12508"
    needs = frozenset({"forget", "retain"})
    smoke = {"epochs": 1}
    search_space = {
        "share": [0.1, 0.3, 0.5, 0.7, 0.9],
        "alpha": (0.1, 10.0, "log"),
        "learning_rate": (1e-5, 3e-3, "log"),
        "epochs": (1, 10, "int"),
    }

    share: float = 0.5
    alpha: float = 5.0
    learning_rate: float = 1e-4
    epochs: int = 3
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        mask = salient(model, task.forget, self.share, self.batch_size)
        before = weights_of(model)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        forget = endless(task.forget, self.batch_size)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.retain.batches(self.batch_size):
                rehearsal = cross_entropy(model(inputs, lengths), labels)
                inputs, lengths, labels = next(forget)
                wrong = other_labels(labels, task.n_emotions, task.generator)
                confusion = cross_entropy(model(inputs, lengths), wrong)
                optimiser.zero_grad()
                (confusion + self.alpha * rehearsal).backward()
                optimiser.step()
                keep(model, mask, before)
        return model
