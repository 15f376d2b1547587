"""Imitate a model that knows nothing on what is to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._layers import reinitialise


@dataclass(frozen=True)
class BadTeaching(Method):
    """Learn from an incompetent teacher on the forget set, from the original on the retain set.

    min_theta E_r KL(T_original || S_theta) + alpha * E_f KL(T_random || S_theta),
    E_r, E_f: means over the retain and the forget set

    T_random is the same network with fresh weights and fresh statistics. In the paper every
    utterance weighs the same, so that the forget set weighs by its size.

    Attributes:
        temperature: the teachers' and the student's logits are divided by it.
        alpha: weight of the forget set.
        learning_rate: of AdamW.
        steps: of the optimiser.
        batch_size: utterances of each set a step.
    """

    reference = "Chundawat et al. 2023, Can Bad Teaching Induce Forgetting?, arXiv:2205.08096"
    needs = frozenset({"forget", "retain"})
    smoke = {"steps": 2}
    search_space = {
        "temperature": [1.0, 2.0, 4.0],
        "alpha": (1e-2, 1.0, "log"),
        "learning_rate": (1e-5, 3e-3, "log"),
        "steps": (6, 44, "int"),
    }
    presets = {"transformer": {"learning_rate": 1e-5}}

    temperature: float = 4.0
    alpha: float = 0.058
    learning_rate: float = 0.00091
    steps: int = 26
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        competent, incompetent = frozen_copy(model), frozen_copy(model)
        reinitialise(incompetent.modules(), task.generator)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        steps = zip(
            endless(task.retain, self.batch_size),
            endless(task.forget, self.batch_size),
            strict=True,
        )
        for (kept, kept_lengths, _), (inputs, lengths, _) in islice(steps, self.steps):
            keeping = self.divergence(competent(kept, kept_lengths), model(kept, kept_lengths))
            losing = self.divergence(incompetent(inputs, lengths), model(inputs, lengths))
            optimiser.zero_grad()
            (keeping + self.alpha * losing).backward()
            optimiser.step()
        return model

    def divergence(self, teacher: Tensor, student: Tensor) -> Tensor:
        """KL(teacher || student) in nats, the mean over a batch of logits [B, C]."""
        expected = log_softmax(teacher / self.temperature, dim=1)
        actual = log_softmax(student / self.temperature, dim=1)
        return kl_div(actual, expected, log_target=True, reduction="batchmean")
