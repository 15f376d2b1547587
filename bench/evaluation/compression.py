"""Does what was forgotten come back when the model is compressed, as a model in use often is?

Unlearning can be a small change of the weights that rounding, or dropping the small ones, undoes:
Zhang et al. 2024, arXiv:2410.16454.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

LEVELS = 127
"""Steps of int8 on either side of zero; -128 is left out, so that the grid is symmetric."""


def quantised(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Round weights to int8 and back, after training and without data.

    Symmetric, with one scale for each output channel (the first dimension): the channel's largest
    absolute weight becomes 127. After Krishnamoorthi 2018, arXiv:1806.08342, sections 2.2 and 3.1.

    Args:
        state: a model's. Biases and what normalisation keeps have one dimension, and stay as they
            are.

    Returns:
        A new state; what stays as it was is shared with the old one.
    """
    return {
        name: _rounded(tensor) if _is_weight(tensor) else tensor for name, tensor in state.items()
    }


def pruned(state: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Set the smallest weights to zero, compared over all layers at once.

    By magnitude, as Han et al. 2015, arXiv:1506.02626; in one shot and without training on, as the
    pruning that Jia et al. 2023, arXiv:2304.04934, relate to unlearning.

    Args:
        state: a model's. Biases and what normalisation keeps have one dimension; they neither
            count nor change.
        share: of the weights that become zero, in 0..1. Of equal weights the first go first.

    Returns:
        A new state; what stays as it was is shared with the old one.
    """
    weights = {name: tensor for name, tensor in state.items() if _is_weight(tensor)}
    values = torch.cat([each.flatten() for each in weights.values()])
    smallest = values.abs().argsort(stable=True)[: round(share * len(values))]
    values[smallest] = 0
    parts = values.split([each.numel() for each in weights.values()])
    kept = {name: part.view_as(weights[name]) for name, part in zip(weights, parts, strict=True)}
    return {**state, **kept}


def _is_weight(tensor: Tensor) -> bool:
    return tensor.dim() >= 2 and tensor.is_floating_point()


def _rounded(weight: Tensor) -> Tensor:
    largest = weight.abs().amax(dim=tuple(range(1, weight.dim())), keepdim=True)
    # A channel of zeros has no scale: 0 / tiny is 0.
    scale = (largest / LEVELS).clamp_min(torch.finfo(weight.dtype).tiny)
    return (weight / scale).round() * scale
