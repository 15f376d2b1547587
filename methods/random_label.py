"""Teach wrong emotions for what is to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, other_labels, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class RandomLabel(Method):
    """Fine-tune on the forget set with wrong labels drawn at random.

    min_theta L({(x, y') : (x, y) in D_f}; theta), y' uniform among the emotions other than y

    This is the paper's relabelling, there called "unlearning". The paper mixes the relabelled
    utterances with the retain set; here they stand alone. Each label is drawn once.

    Attributes:
        learning_rate: of AdamW.
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Graves, Nagisetty & Ganesh 2021, Amnesiac Machine Learning, arXiv:2010.10981"
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "learning_rate": 0.00028, "steps": 60}}
    smoke = {"steps": 2}
    search_space = {"learning_rate": (1e-5, 1e-3, "log"), "steps": (5, 60, "int")}
    presets = {"transformer": {"learning_rate": 1e-6}}

    learning_rate: float = 1.1e-05
    steps: int = 31
    batch_size: int = 32
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
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
            if aim.reached(model):
                break
        return model
