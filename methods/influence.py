"""Undo the forget set's influence by one Newton step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from ser_unlearn import Method, Recogniser, Task
from ser_unlearn.methods._saliency import mean_gradient


@dataclass(frozen=True)
class Influence(Method):
    """Add what removing the forget set would change in the optimum, to first order.

    theta = theta_o + scale * H^-1 * |D_f| / N * (grad L(D_f; theta_o) - grad L(D_r; theta_o)),
    H = damping * trace(F) * I + F, F = 1/m * sum_i g_i g_i^T over m utterances of the retain set

    H is the WoodFisher approximation. It is inverted exactly by Woodbury's identity, from all m
    gradients g_i at once: the published code's recursion carries only the first gradient along,
    which is not the paper's inverse. The damping is relative to the curvature's trace, so that it
    does not hang on how confident the model is.

    Attributes:
        scale: of the step; 1 is Newton's own.
        damping: added to the curvature in all directions, as a share of its trace.
        utterances: m; at most so many of the retain set, drawn at random. Their gradients are held
            in memory: m times the model's size.
        batch_size: utterances a gradient, where a mean will do.
    """

    reference = "Izzo et al. 2021, arXiv:2002.10077; Jia et al. 2023, arXiv:2304.04934"
    needs = frozenset({"forget", "retain"})
    smoke = {"utterances": 4}
    search_space = {
        "scale": (3e-2, 10.0, "log"),
        "damping": (1e-3, 1.0, "log"),
        "utterances": [32, 64, 128, 256],
    }
    presets = {"transformer": {"utterances": 16}}

    scale: float = 5.7
    damping: float = 0.042
    utterances: int = 128
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        forget = mean_gradient(model, task.forget, self.batch_size)
        retain = mean_gradient(model, task.retain, self.batch_size)
        weights = [each for each in model.parameters() if each.requires_grad]
        rows = []
        for inputs, lengths, labels in islice(task.retain.batches(1, crop=False), self.utterances):
            loss = cross_entropy(model(inputs, lengths), labels)
            rows.append(parameters_to_vector(torch.autograd.grad(loss, weights)))
        g = torch.stack(rows)
        share = len(task.forget) / (len(task.forget) + len(task.retain))
        v = share * parameters_to_vector(forget[name] - retain[name] for name in forget)
        gram = torch.stack([g @ row for row in g])
        # (a I + G^T G / m)^-1 v = (v - G^T (m a I + G G^T)^-1 G v) / a, with floor = m a.
        floor = (self.damping * gram.trace()).clamp_min(torch.finfo(gram.dtype).eps)
        inner = gram + floor * torch.eye(len(g), device=gram.device)
        step = (v - g.T @ torch.linalg.solve(inner, g @ v)) * len(g) / floor
        with torch.no_grad():
            vector_to_parameters(parameters_to_vector(weights) + self.scale * step, weights)
        return model
