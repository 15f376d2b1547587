"""Which weights matter to a set of utterances, and how to leave the others alone."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ser_unlearn import Recogniser, Utterances


def mean_gradient(model: Recogniser, data: Utterances, batch_size: int) -> dict[str, Tensor]:
    """The gradient of a set's mean cross-entropy, by weight.

    Of whole utterances and in eval mode, so that nothing in it is random.

    Args:
        model: put in eval mode, and left in it.
        data: with their labels.
        batch_size: utterances that are passed through at a time. The gradient depends on it only
            as far as the model's output depends on padding.

    Returns:
        A tensor for each weight that takes gradients.
    """
    model.eval()
    weights = {name: each for name, each in model.named_parameters() if each.requires_grad}
    total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for inputs, lengths, labels in data.batches(batch_size, shuffle=False, crop=False):
        loss = cross_entropy(model(inputs, lengths), labels, reduction="sum")
        gradients = torch.autograd.grad(loss, list(weights.values()))
        for name, gradient in zip(weights, gradients, strict=True):
            total[name] += gradient / len(data)
    return total


def largest(scores: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Masks that are True for the given share of all entries, those of the largest scores.

    One threshold holds for the whole model. Ties are broken so that the share is kept.

    Args:
        scores: by name.
        share: 0..1.
    """
    flat = torch.cat([each.flatten() for each in scores.values()])
    chosen = torch.zeros_like(flat, dtype=torch.bool)
    chosen[flat.topk(round(share * len(flat))).indices] = True
    parts = chosen.split([each.numel() for each in scores.values()])
    return {name: part.view_as(scores[name]) for name, part in zip(scores, parts, strict=True)}


def salient(
    model: Recogniser, forget: Utterances, share: float, batch_size: int
) -> dict[str, Tensor]:
    """True for the share of the model's weights with the largest |gradient| on the forget set.

    The weight saliency of Fan et al. 2023 (arXiv:2310.12508), by the weight's name; a weight that
    takes no gradients is left out.
    """
    gradient = mean_gradient(model, forget, batch_size)
    return largest({name: each.abs() for name, each in gradient.items()}, share)


def weights_of(model: Recogniser) -> dict[str, Tensor]:
    """A copy of the model's weights, by name."""
    return {name: each.detach().clone() for name, each in model.named_parameters()}


@torch.no_grad()
def keep(model: Recogniser, mask: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> None:
    """Put weights whose mask is False back to what they were, bit for bit.

    Call it after every step of an optimiser: a gradient of zero does not hold a weight still
    against momentum and weight decay.

    Args:
        model: changed in place.
        mask: by the weight's name; a weight without a mask is left as it is.
        before: as `weights_of` gave it.
    """
    for name, weight in model.named_parameters():
        if name in mask:
            weight.copy_(torch.where(mask[name], weight, before[name]))
