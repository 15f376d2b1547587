"""Disturb the weights at random: the control for damage that has nothing to do with forgetting."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ser_unlearn import Method, Recogniser, Task


@dataclass(frozen=True)
class RandomNoise(Method):
    """Add noise to all weights, knowing nothing of what to forget.

    theta <- theta + sigma * RMS(theta) * n, n ~ N(0, I), RMS tensor by tensor

    A method that is no better than this control does not unlearn; it breaks.

    Attributes:
        noise: sigma, the change's size as a share of that of the tensor.
    """

    reference = "none"
    needs = frozenset()
    search_space = {"noise": (1e-3, 1.0, "log")}

    noise: float = 0.31

    @torch.no_grad()
    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        for weight in model.parameters():
            draw = torch.randn(weight.shape, generator=task.generator).to(weight.device)
            weight.add_(self.noise * weight.square().mean().sqrt() * draw)
        return model
