"""Make the weights smaller that matter more to the forget set than to the training set."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ser_unlearn import Recogniser


@torch.no_grad()
def dampen(
    model: Recogniser,
    forget: Mapping[str, Tensor],
    training: Mapping[str, Tensor],
    *,
    selection: float,
    dampening: float,
) -> None:
    """Multiply each selected weight by min(dampening * training / forget, 1).

    Args:
        model: changed in place.
        forget: importances to the forget set, by the weight's name; others are left alone.
        training: importances to the whole training set.
        selection: a weight is selected if its importance to the forget set is more than this many
            times that to the training set.
        dampening: the smaller, the smaller selected weights become.
    """
    for name, weight in model.named_parameters():
        if name in forget:
            selected = forget[name] > selection * training[name]
            factor = (dampening * training[name] / forget[name]).clamp_max(1)
            # Where neither set cares, the factor is 0 / 0; but nothing is selected there.
            weight.copy_(torch.where(selected, weight * factor, weight))
