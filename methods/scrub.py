"""Disobey a teacher on the forget set, obey it on the retain set."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class Scrub(Method):
    """Part from the original on the forget set while following it on the retain set.

    min_theta alpha * KL(D_r) + gamma * L(D_r) - KL(D_f), where KL is that of the softened outputs
    of the frozen original (the teacher) from those of the model: T^2 KL(p_o^T || p_theta^T)

    The two goals take turns: each of the first `msteps` rounds opens with steps up on the forget
    set, and every round closes with steps down on the retain set, so that the last step always
    repairs. The paper's rounds are epochs, whose steps grow with the two sets.

    Rewinding (SCRUB+R) keeps the model of every round and returns the one whose error on the
    forget set is nearest to that expected of unseen utterances. The paper reads this off
    validation data with the forget set's classes; here it is the original's accuracy on unseen
    utterances, which comes with the model.

    Attributes:
        learning_rate: of Adam.
        rounds: how many.
        msteps: how many of them, from the first, begin with steps up.
        up_steps: on the forget set, of a round.
        down_steps: on the retain set, of a round.
        batch_size: utterances a step.
        alpha: weight of the divergence on the retain set.
        gamma: weight of the cross-entropy on the retain set.
        temperature: T, by which logits are divided before they become distributions.
        rewind: choose among the models of all rounds.
    """

    reference = "Kurmanji et al. 2023, arXiv:2302.09880"
    needs = frozenset({"forget", "retain"})
    variants = {"rewind": {"rewind": True}}
    smoke = {"rounds": 1, "msteps": 1, "up_steps": 1, "down_steps": 1}
    search_space = {
        "learning_rate": (1e-4, 1e-2, "log"),
        "msteps": (1, 5, "int"),
        "up_steps": (1, 6, "int"),
        "alpha": (1e-3, 1.0, "log"),
    }
    presets = {"transformer": {"learning_rate": 1e-5}}

    learning_rate: float = 1e-3
    rounds: int = 5
    msteps: int = 3
    up_steps: int = 2
    down_steps: int = 12
    batch_size: int = 32
    alpha: float = 0.5
    gamma: float = 0.99
    temperature: float = 4.0
    rewind: bool = False

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        teacher = frozen_copy(model)
        optimiser = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        forget = endless(task.forget, self.batch_size)
        retain = endless(task.retain, self.batch_size)
        expected = task.unseen_accuracy
        nearest, kept = float("inf"), model.state_dict()
        train_mode(model)
        for number in range(self.rounds):
            if number < self.msteps:
                for inputs, lengths, _ in islice(forget, self.up_steps):
                    parting = divergence(
                        teacher(inputs, lengths), model(inputs, lengths), self.temperature
                    )
                    optimiser.zero_grad()
                    (-parting).backward()
                    optimiser.step()
            for inputs, lengths, labels in islice(retain, self.down_steps):
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
