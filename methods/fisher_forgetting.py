"""Add noise where the retain set does not mind it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ser_unlearn import Method, Recogniser, Task, Utterances


@dataclass(frozen=True)
class FisherForgetting(Method):
    """Add Gaussian noise to each weight, the less the more the retain set depends on it.

    theta = theta_o + (lambda * sigma^2)^(1/4) * F^(-1/4) * n, n ~ N(0, 1),
    F the diagonal of the Fisher information of the retain set

    The published code has F^(-1/2), bounds the variance by hand and evens it out within rows;
    the paper's optimal noise is followed here, with a part of its mean added to F. The constant is
    given as the noise of a weight with the mean information, so that it has a weight's unit and
    does not hang on how confident the model is. The diagonal is estimated without bias from one
    gradient a batch: the gradient of sum_i v_i * f(x_i), where v_i is random with the covariance of
    the model's own labels.

    Attributes:
        noise: standard deviation of the noise on a weight with the mean information, before
            damping.
        damping: added to the information, as a share of its mean: bounds the noise on weights
            that the retain set does not depend on.
        passes: over the retain set, to estimate the information.
        batch_size: utterances a gradient.
    """

    reference = "Golatkar et al. 2020, Eternal Sunshine of the Spotless Net, arXiv:1911.04933"
    needs = frozenset({"retain"})
    smoke = {"passes": 1}
    search_space = {
        "noise": (1e-4, 1e-1, "log"),
        "damping": (1e-6, 1.0, "log"),
        "passes": [1, 2, 4],
    }
    presets = {"transformer": {"noise": 1e-3}}

    noise: float = 0.025
    damping: float = 0.57
    passes: int = 4
    batch_size: int = 16

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        information = self.information(model, task.retain, task.generator)
        flat = torch.cat([each.flatten() for each in information.values()])
        mean = flat.mean().clamp_min(torch.finfo(flat.dtype).tiny)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name in information:
                    relative = information[name] / mean + self.damping
                    draw = torch.randn(weight.shape, generator=task.generator)
                    weight.add_(self.noise * relative.pow(-1 / 4) * draw.to(weight.device))
        return model

    def information(
        self, model: Recogniser, data: Utterances, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Estimate the diagonal of a set's Fisher information, a mean over utterances."""
        model.eval()
        weights = {name: each for name, each in model.named_parameters() if each.requires_grad}
        total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        for _ in range(self.passes):
            for inputs, lengths, _ in data.batches(self.batch_size, shuffle=False, crop=False):
                logits = model(inputs, lengths)
                p = logits.detach().softmax(dim=1)
                signs = torch.randint(2, p.shape, generator=generator).to(p) * 2 - 1
                # v = sum_y sign_y * sqrt(p_y) * (e_y - p): its covariance is diag(p) - p p^T.
                v = p.sqrt() * signs - p * (p.sqrt() * signs).sum(dim=1, keepdim=True)
                gradients = torch.autograd.grad((v * logits).sum(), list(weights.values()))
                for name, gradient in zip(weights, gradients, strict=True):
                    total[name] += gradient.square() / (len(data) * self.passes)
        return total
