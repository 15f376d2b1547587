"""Climb the loss of the forget set, ever more gently."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy, logsigmoid

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode


@dataclass(frozen=True)
class NPO(Method):
    """Ascend on the forget set, less and less as the model lets go of it.

    min_theta E_f -(2 / beta) * log sigmoid(-beta * log(p_theta(y | x) / p_original(y | x)))

    The gradient is that of the ascent, weighted for each utterance by
    2 p_theta^beta / (p_theta^beta + p_original^beta). The weight is 1 at the start and falls to 0
    as p_theta does, so the model does not run away as it does under plain ascent.

    The paper takes p as the likelihood of a whole text; here it is the posterior of the
    utterance's emotion. Log posteriors change by a few nats where those of texts change by
    hundreds, so the default beta is larger than the paper's 0.1.

    Attributes:
        learning_rate: of AdamW.
        epochs: passes over the forget set.
        batch_size: utterances a step.
        beta: how soon the ascent fades; 0 in the limit is plain gradient ascent.
    """

    reference = "Zhang et al. 2024, Negative Preference Optimization, arXiv:2404.05868"
    needs = frozenset({"forget"})
    smoke = {"epochs": 1}
    search_space = {
        "learning_rate": (1e-5, 1e-3, "log"),
        "epochs": (2, 20, "int"),
        "beta": (0.1, 5.0, "log"),
    }

    learning_rate: float = 5e-5
    epochs: int = 6
    batch_size: int = 32
    beta: float = 3.0

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.forget.batches(self.batch_size):
                # Of the same crops: log p_theta - log p_original is a difference of losses.
                before = cross_entropy(original(inputs, lengths), labels, reduction="none")
                now = cross_entropy(model(inputs, lengths), labels, reduction="none")
                loss = -2 / self.beta * logsigmoid(self.beta * (now - before)).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return model
