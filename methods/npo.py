"""Climb the loss of the forget set, ever more gently."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy, logsigmoid

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


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
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        beta: how soon the ascent fades; 0 in the limit is plain gradient ascent.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Zhang et al. 2024, Negative Preference Optimization, arXiv:2404.05868"
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "learning_rate": 0.00089, "steps": 45, "beta": 3.3}}
    smoke = {"steps": 2}
    search_space = {
        "learning_rate": (1e-5, 1e-3, "log"),
        "steps": (5, 60, "int"),
        "beta": (0.1, 5.0, "log"),
    }
    presets = {"transformer": {"learning_rate": 5e-7}}

    learning_rate: float = 1.9e-05
    steps: int = 17
    batch_size: int = 32
    beta: float = 0.82
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, labels in islice(endless(task.forget, self.batch_size), self.steps):
            # Of the same crops: log p_theta - log p_original is a difference of losses.
            before = cross_entropy(original(inputs, lengths), labels, reduction="none")
            now = cross_entropy(model(inputs, lengths), labels, reduction="none")
            loss = -2 / self.beta * logsigmoid(self.beta * (now - before)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if aim.reached(model):
                break
        return model
