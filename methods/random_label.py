"""Teach wrong emotions for what is to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, other_labels, train_mode


@dataclass(frozen=True)
class RandomLabel(Method):
    """Fine-tune on the forget set with wrong labels drawn at random.

    min_theta L({(x, y') : (x, y) in D_f}; theta), y' uniform among the emotions other than y

    This is the paper's relabelling, there called "unlearning". The paper mixes the relabelled
    utterances with the retain set; here they stand alone. Each label is drawn once.

    Attributes:
        learning_rate: of AdamW.
        epochs: passes over the forget set.
        batch_size: utterances a step.
    """

    reference = "Graves, Nagisetty & Ganesh 2021, Amnesiac Machine Learning, arXiv:2010.10981"
    needs = frozenset({"forget"})
    smoke = {"epochs": 1}
    search_space = {"learning_rate": (1e-5, 1e-3, "log"), "epochs": (2, 20, "int")}

    learning_rate: float = 5e-5
    epochs: int = 8
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        wrong = other_labels(task.forget.labels, task.n_emotions, task.generator)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.forget.relabelled(wrong).batches(self.batch_size):
                loss = cross_entropy(model(inputs, lengths), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return model
