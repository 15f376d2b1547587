"""Disobey a teacher on the forget set, obey it on the retain set."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._batches import spread


@dataclass(frozen=True)
class Scrub(Method):
    """Part from the original on the forget set while following it on the retain set.

    min_theta alpha * KL(D_r) + gamma * L(D_r) - KL(D_f), where KL is that of the softened outputs
    of the frozen original (the teacher) from those of the model: T^2 KL(p_o^T || p_theta^T)

    The two goals take turns: each of the first `msteps` epochs opens with a pass that climbs
    on the forget set, and every epoch closes with a pass that descends on the retain set, so that
    the last step always repairs.

    Rewinding (SCRUB+R) keeps the model of every epoch and returns the one whose error on the
    forget set is nearest to that expected of unseen utterances. The paper reads this off
    validation data with the forget set's classes; here it is the original's accuracy on unseen
    utterances, which comes with the model.

    Attributes:
        learning_rate: of Adam.
        epochs: how many; each makes one pass over the retain set.
        msteps: how many of them, from the first, begin with a pass over the forget set.
        forget_steps: of a pass over the forget set, at most. The paper sets a batch size; the
            steps up would then grow with the forget set, and have nothing to bound them.
        batch_size: utterances a step on the retain set.
        alpha: weight of the divergence on the retain set.
        gamma: weight of the cross-entropy on the retain set.
        temperature: T, by which logits are divided before they become distributions.
        rewind: choose among the models of all epochs.
    """

    reference = "Kurmanji et al. 2023, arXiv:2302.09880"
    needs = frozenset({"forget", "retain"})
    variants = {"rewind": {"rewind": True}}
    smoke = {"epochs": 1, "msteps": 1}
    search_space = {
        "learning_rate": (1e-4, 1e-2, "log"),
        "epochs": (2, 8, "int"),
        "msteps": (1, 5, "int"),
        "forget_steps": (1, 4, "int"),
        "alpha": (1e-3, 1.0, "log"),
    }

    learning_rate: float = 1e-3
    epochs: int = 5
    msteps: int = 3
    forget_steps: int = 2
    batch_size: int = 32
    alpha: float = 0.5
    gamma: float = 0.99
    temperature: float = 4.0
    rewind: bool = False

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        teacher = frozen_copy(model)
        optimiser = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        size = spread(task.forget, self.forget_steps)
        expected = task.unseen_accuracy
        nearest, kept = float("inf"), model.state_dict()
        train_mode(model)
        for epoch in range(self.epochs):
            if epoch < self.msteps:
                for inputs, lengths, _ in task.forget.batches(size):
                    parting = divergence(
                        teacher(inputs, lengths), model(inputs, lengths), self.temperature
                    )
                    optimiser.zero_grad()
                    (-parting).backward()
                    optimiser.step()
            for inputs, lengths, labels in task.retain.batches(self.batch_size):
                logits = model(inputs, lengths)
                following = divergence(teacher(inputs, lengths), logits, self.temperature)
                loss = self.alpha * following + self.gamma * cross_entropy(logits, labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            if self.rewind:
                distance = abs(task.accuracy(model, task.forget) - expected)
                # Of equally near models the later one: it has had more repair.
                if distance <= nearest:
                    nearest, kept = distance, copy.deepcopy(model.state_dict())
        if self.rewind:
            model.load_state_dict(kept)
        return model


def divergence(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """Mean over utterances of T^2 KL(teacher || student), in nats.

    The square keeps the size of the gradient as T grows (Hinton et al. 2015, arXiv:1503.02531).

    Args:
        teacher: logits [B, C].
        student: logits [B, C].
        temperature: T.

    Returns:
        A scalar, at least 0.
    """
    per_utterance = kl_div(
        log_softmax(student / temperature, dim=1),
        log_softmax(teacher / temperature, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return temperature**2 * per_utterance
