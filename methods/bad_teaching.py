"""Imitate a model that knows nothing on what is to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, zip_longest

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._batches import spread
from ser_unlearn.methods._layers import reinitialise


@dataclass(frozen=True)
class BadTeaching(Method):
    """Learn from an incompetent teacher on the forget set, from the original on the retain set.

    min_theta mean over D_f of KL(T_random || S_theta) and over D_r of KL(T_original || S_theta)

    T_random is the same network with fresh weights and fresh statistics. The paper makes do with
    30 % of a large retain set; small corpora need all of it. A part is drawn anew at each epoch.
    The two sets share each step, and every utterance weighs the same.

    Attributes:
        temperature: the teachers' and the student's logits are divided by it.
        retain_share: of the retain set's batches, the share that an epoch uses.
        learning_rate: of AdamW.
        epochs: passes over the forget set.
        batch_size: utterances of the retain set a step.
    """

    reference = "Chundawat et al. 2023, Can Bad Teaching Induce Forgetting?, arXiv:2205.08096"
    needs = frozenset({"forget", "retain"})
    smoke = {"epochs": 1}
    search_space = {
        "temperature": [1.0, 2.0, 4.0],
        "retain_share": [0.3, 0.6, 1.0],
        "learning_rate": (1e-5, 3e-3, "log"),
        "epochs": (1, 10, "int"),
    }

    temperature: float = 1.0
    retain_share: float = 1.0
    learning_rate: float = 1e-3
    epochs: int = 3
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        competent, incompetent = frozen_copy(model), frozen_copy(model)
        reinitialise(incompetent.modules(), task.generator)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        batches = -(-len(task.retain) // self.batch_size)
        steps = max(1, round(self.retain_share * batches))
        train_mode(model)
        for _ in range(self.epochs):
            retain = islice(task.retain.batches(self.batch_size), steps)
            forget = task.forget.batches(spread(task.forget, steps))
            for kept, forgotten in zip_longest(retain, forget):
                lessons = [(competent, kept), (incompetent, forgotten)]
                losses = [
                    self.divergence(teacher(*batch[:2]), model(*batch[:2]))
                    for teacher, batch in lessons
                    if batch is not None
                ]
                optimiser.zero_grad()
                torch.cat(losses).mean().backward()
                optimiser.step()
        return model

    def divergence(self, teacher: Tensor, student: Tensor) -> Tensor:
        """KL(teacher || student) in nats, [B], of logits [B, C]."""
        expected = log_softmax(teacher / self.temperature, dim=1)
        actual = log_softmax(student / self.temperature, dim=1)
        return kl_div(actual, expected, log_target=True, reduction="none").sum(dim=1)
