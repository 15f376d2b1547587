"""The recogniser that a recipe defines, and what methods do to whole models."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ser_unlearn.recogniser.recipe import Recipe


class Recogniser(nn.Module):
    """Features in, a logit for each emotion out.

    Args:
        normaliser: features and relative lengths to normalised features.
        embedding_model: normalised features and relative lengths to embeddings [B, 1, E].
        classifier: embeddings to logits [B, 1, C].
    """

    def __init__(
        self, normaliser: nn.Module, embedding_model: nn.Module, classifier: nn.Module
    ) -> None:
        super().__init__()
        self.normaliser = normaliser
        self.embedding_model = embedding_model
        self.classifier = classifier

    def embed(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings [B, E] of features [B, T, F] with relative lengths [B] in 0..1."""
        normalised = self.normaliser(inputs, lengths)
        embeddings: Tensor = self.embedding_model(normalised, lengths).squeeze(1)
        return embeddings

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Logits [B, C] of features [B, T, F] with relative lengths [B] in 0..1."""
        logits: Tensor = self.classifier(self.embed(inputs, lengths).unsqueeze(1)).squeeze(1)
        return logits


def build(recipe: Recipe, n_emotions: int, seed: int) -> Recogniser:
    """Build a recipe's model with weights drawn from `seed`; torch's own RNG is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hparams = recipe.load(n_emotions)
    return Recogniser(hparams.mean_var_norm, hparams.embedding_model, hparams.classifier)


def load(
    recipe: Recipe, n_emotions: int, state: Mapping[str, Tensor], device: torch.device
) -> Recogniser:
    """A recipe's model with these weights, in eval mode on a device."""
    model = build(recipe, n_emotions, seed=0)
    model.load_state_dict(state)
    return model.to(device).eval()


def frozen_copy(model: nn.Module) -> nn.Module:
    """A teacher: a deep copy in eval mode, none of whose weights takes a gradient."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def train_mode(model: nn.Module) -> None:
    """Put a model in train mode, but let batch normalisation use and keep its statistics.

    A forget set of a few utterances would otherwise replace the statistics of all the training
    data, and a batch of one has none.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
