"""Sound methods, and the same with one fault planted in each."""

from __future__ import annotations

from checkouts import ROOT

SOUND = '''
import copy
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

from ser_unlearn import Method, Recogniser, Task, frozen_copy, other_labels, train_mode


@dataclass(frozen=True)
class Distil(Method):
    """Distil the retain set from the original while climbing the loss of the forget set.

    Attributes:
        learning_rate: of plain gradient descent.
        batch_size: utterances a step.
    """

    reference = "made up"
    needs = frozenset({"forget", "retain"})

    learning_rate: float = 0.002
    batch_size: int = 8

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        teacher = frozen_copy(model)
        optimiser = torch.optim.SGD(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for inputs, lengths, labels in task.retain.batches(self.batch_size):
            with torch.no_grad():
                target = softmax(teacher(inputs, lengths), dim=1)
            logits = model(inputs, lengths)
            keep = kl_div(log_softmax(logits, dim=1), target, reduction="batchmean")
            inputs, lengths, labels = next(task.forget.batches(self.batch_size))
            loss = keep - cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return model
'''
"""Distillation against ascent."""

FORGET_ONLY = SOUND.replace(
    'needs = frozenset({"forget", "retain"})', 'needs = frozenset({"forget"})'
)

RELABEL = '''
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, other_labels, train_mode


@dataclass(frozen=True)
class Relabel(Method):
    """Learn wrong labels for the forget set, in the half of the weights that it moves most.

    Attributes:
        epochs: passes over the forget set.
    """

    reference = "made up"
    needs = frozenset({"forget"})

    epochs: int = 2

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        train_mode(model)
        inputs, lengths, labels = task.forget.whole()
        cross_entropy(model(inputs, lengths), labels).backward()
        masks = [each.grad.abs() >= each.grad.abs().median() for each in model.parameters()]
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
        wrong = other_labels(task.forget.labels, task.n_emotions, task.generator)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.forget.relabelled(wrong).batches(4):
                loss = cross_entropy(model(inputs, lengths), labels)
                optimiser.zero_grad()
                loss.backward()
                for weight, mask in zip(model.parameters(), masks):
                    weight.grad *= mask
                optimiser.step()
        return model
'''
"""Relabelling under a mask."""


def planted(source: str, *changes: tuple[str, str]) -> str:
    """A source with other text in the place of some, all of which must be there."""
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source


def shipped(name: str) -> str:
    """The source of a method in `methods/`."""
    return (ROOT / "methods" / f"{name}.py").read_text(encoding="utf-8")


BEGIN = "teacher = frozen_copy(model)\n"
NEXT = "            inputs, lengths, labels = next(task.forget.batches(self.batch_size))\n"


def at_first(line: str) -> str:
    """The sound method with a statement before its first."""
    return planted(SOUND, (BEGIN, f"{line}\n        {BEGIN}"))
