"""The recogniser that a recipe defines, and what methods do to whole models."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.recipe import Recipe

NOBODYS_SEED = -1
"""No model is trained with it."""


class Recogniser(nn.Module):
    """Features in, a logit for each emotion out.

    Args:
        normaliser: features and relative lengths to what the embedding model takes.
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
    """Build a recipe's model with weights drawn from `seed`; torch's own RNG is left as it was.

    Weights that the recipe freezes are buffers: no method that goes over parameters reaches them.

    Raises:
        UserError: if its weights do not depend on the seed.
    """
    model = _drawn(recipe, n_emotions, seed)
    other = _blank(recipe, n_emotions, torch.get_default_dtype())
    weights = zip(model.parameters(), other.parameters(), strict=True)
    if all(torch.equal(one, another) for one, another in weights):
        raise UserError(
            f"The recipe '{recipe.name}' gives the same weights for two seeds. Let its modules "
            "draw them, and leave it to the harness to set seeds."
        )
    return model


def _drawn(recipe: Recipe, n_emotions: int, seed: int) -> Recogniser:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hparams = recipe.load(n_emotions)
    model = Recogniser(hparams.mean_var_norm, hparams.embedding_model, hparams.classifier)
    _spare_idle_padding(model)
    _keep_frozen(model)
    return model


def _keep_frozen(model: nn.Module) -> None:
    """Make buffers of the weights that take no gradients."""
    for module in model.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if not weight.requires_grad:
                delattr(module, name)
                module.register_buffer(name, weight.detach())


def _spare_idle_padding(model: nn.Module) -> None:
    """Let SpeechBrain's convolutions of kernel size 1 not pad, by nothing, a copy of their input.

    The copies took about a tenth of a training step; the numbers are the same bits without them.
    """
    from speechbrain.nnet.CNN import Conv1d

    for module in model.modules():
        if isinstance(module, Conv1d) and module.kernel_size == 1 and module.padding == "same":
            module.padding = "valid"


@lru_cache(maxsize=4)
def _blank(recipe: Recipe, n_emotions: int, dtype: torch.dtype) -> Recogniser:
    """A recipe's model, to be copied: that takes a fifth of the time that running the file does.

    Its weights have torch's default type, which `dtype` names.
    """
    return _drawn(recipe, n_emotions, NOBODYS_SEED)


def load(
    recipe: Recipe, n_emotions: int, state: Mapping[str, Tensor], device: torch.device
) -> Recogniser:
    """A recipe's model with these weights, in eval mode on a device."""
    model = copy.deepcopy(_blank(recipe, n_emotions, torch.get_default_dtype()))
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
