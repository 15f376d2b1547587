"""A softmax regression on the toy's features, and how sure a model is of its data."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from toys import EMOTIONS

from ser_unlearn.recogniser.batches import Utterances
from ser_unlearn.recogniser.model import Recogniser


class Mean(nn.Module):
    """The mean over time of inputs [B, T, F], as [B, 1, F]."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        speech = torch.arange(inputs.shape[1]) < (lengths[:, None] * inputs.shape[1]).round()
        return (inputs * speech[..., None]).sum(1, keepdim=True) / speech.sum(1)[:, None, None]


class Scaled(nn.Module):
    """Features in dB, made small enough for a linear model's softmax not to saturate."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs / 100


def linear_model() -> Recogniser:
    """A softmax regression on mean features: all about it can be derived by hand."""
    torch.manual_seed(0)
    return Recogniser(Scaled(), Mean(), nn.Linear(40, EMOTIONS))


def loss_on(model: Recogniser, data: Utterances) -> float:
    inputs, lengths, labels = data.whole()
    with torch.no_grad():
        return float(cross_entropy(model.eval()(inputs, lengths), labels))


def confidence_on(model: Recogniser, data: Utterances) -> float:
    inputs, lengths, _ = data.whole()
    with torch.no_grad():
        return float(model.eval()(inputs, lengths).softmax(dim=1).amax(dim=1).mean())
