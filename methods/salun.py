"""Relabel the forget set at random, but change only the weights that it moves most."""

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
        steps: of the optimiser, at most.
        batch_size: utterances of each set a step.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Fan et al. 2023, SalUn, arXiv:2310.12508"
    needs = frozenset({"forget", "retain"})
    variants = {
        "zero": {"stop": "zero", "share": 0.5, "alpha": 0.45, "learning_rate": 0.0018, "steps": 27}
    }
    smoke = {"steps": 2}
    search_space = {
        "share": [0.1, 0.3, 0.5, 0.7, 0.9],
        "alpha": (0.1, 10.0, "log"),
        "learning_rate": (1e-5, 3e-3, "log"),
        "steps": (6, 48, "int"),
    }
    presets = {"transformer": {"learning_rate": 3e-6}}

    share: float = 0.7
    alpha: float = 0.13
    learning_rate: float = 1.3e-05
    steps: int = 47
    batch_size: int = 32
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        mask = salient(model, task.forget, self.share, self.batch_size)
        before = weights_of(model)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        forget = endless(task.forget, self.batch_size)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, labels in islice(endless(task.retain, self.batch_size), self.steps):
            rehearsal = cross_entropy(model(inputs, lengths), labels)
            inputs, lengths, labels = next(forget)
            wrong = other_labels(labels, task.n_emotions, task.generator)
            confusion = cross_entropy(model(inputs, lengths), wrong)
            optimiser.zero_grad()
            (confusion + self.alpha * rehearsal).backward()
            optimiser.step()
            keep(model, mask, before)
            if aim.reached(model):
                break
        return model
