"""A linear model of mean frames and as much of a task as a method of the forget set needs."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ser_unlearn.recogniser.batches import Utterances
from ser_unlearn.recogniser.features import Ragged
from ser_unlearn.recogniser.model import Recogniser

FRAMES, FEATURES = 7, 5

# Single precision: sums of some thousand terms of size 1 agree to about 1e-5.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


class Same(nn.Module):
    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs


class Mean(nn.Module):
    """The mean over frames, of inputs without padding."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs.mean(1, keepdim=True)


def linear_model(weight: Tensor) -> Recogniser:
    """Logits are `weight` [C, F] times the mean frame: all about it can be derived by hand."""
    head = nn.Linear(weight.shape[1], len(weight), bias=False)
    head.load_state_dict({"weight": weight})
    return Recogniser(Same(), Mean(), head).eval()


class TinyTask:
    """As much of a task as a method needs that touches the forget set alone."""

    def __init__(self, inputs: Tensor, labels: Tensor, n_emotions: int) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.device = torch.device("cpu")
        self.n_emotions = n_emotions
        self.unseen_accuracy = 0.5
        self.forget = Utterances(
            Ragged.of(list(inputs)),
            labels,
            range(len(labels)),
            generator=self.generator,
            crop_frames=inputs.shape[1],
            device=self.device,
        )

    def accuracy(self, model: nn.Module, data: Utterances) -> float:
        inputs, lengths, labels = data.whole()
        return float((model(inputs, lengths).argmax(1) == labels).float().mean())


def tiny(n_emotions: int = 3, count: int = 6, scale: float = 1.0) -> tuple[Recogniser, TinyTask]:
    random = torch.Generator().manual_seed(0)
    weight = scale * torch.randn(n_emotions, FEATURES, generator=random)
    inputs = torch.randn(count, FRAMES, FEATURES, generator=random)
    model = linear_model(weight)
    labels = model(inputs, torch.ones(count)).argmax(1)
    return model, TinyTask(inputs, labels, n_emotions)


def gradients_as_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one step of any optimiser subtract the gradient itself."""
    monkeypatch.setattr(torch.optim, "AdamW", lambda weights, lr: torch.optim.SGD(weights, lr=1.0))


def watch_losses(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> list[tuple[Tensor, Tensor]]:
    """The logits and labels of every cross-entropy that a method's file computes."""
    seen = []

    def watched(logits: Tensor, labels: Tensor, **keywords: Any) -> Tensor:
        seen.append((logits.detach().clone(), labels.clone()))
        return cross_entropy(logits, labels, **keywords)

    monkeypatch.setattr(module, "cross_entropy", watched)
    return seen


def mean_loss(model: Recogniser, data: Utterances) -> float:
    inputs, lengths, labels = data.whole()
    with torch.no_grad():
        return float(cross_entropy(model.eval()(inputs, lengths), labels))


def ascent(model: Recogniser, data: Utterances) -> Tensor:
    """The gradient of the mean loss of a linear model, for the weights of its head."""
    inputs, lengths, labels = data.whole()
    loss = cross_entropy(model(inputs, lengths), labels)
    return torch.autograd.grad(loss, model.classifier.weight)[0]
