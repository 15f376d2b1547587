"""Take away what the forget set has contributed: the model's sensitivity to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from ser_unlearn import Batch, Method, Recogniser, Task, frozen_copy, other_labels, padding_mask
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class MinimiseInputSensitivity(Method):
    """Make the true emotion's logit less sensitive to the input, and another logit more.

    min_theta mean over (x, y) in D_f of ||d f_y(x) / d x||_F^2 - ||d f_y'(x) / d x||_F^2,
    y' drawn anew among the other emotions each time

    Its gradient in theta is taken without differentiating twice: with g = d f_y(x) / d x held
    still, that of ||g||^2 is that of ||g|| * (f_y(x + h g/||g||) - f_y(x - h g/||g||)) / h, to
    second order in h where f is smooth; where f has kinks, as with rectifiers, differences see
    them and second derivatives do not. Inputs are measured in units of their own norm. The
    objective has no lower bound: the paper stops where it falls below a threshold, here the aim,
    the steps and a clipped gradient bound the change.

    Attributes:
        learning_rate: of stochastic gradient descent.
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        distance: h, as a share of the input's L2 norm.
        max_norm: the gradient's L2 norm is clipped to it.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Cheng et al. 2024, Unlearning by Suppressing Sample Contribution, arXiv:2402.15109"
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "learning_rate": 0.27, "steps": 33}}
    smoke = {"steps": 10}
    search_space = {"learning_rate": (1e-3, 3e-1, "log"), "steps": (5, 36, "int")}

    learning_rate: float = 0.011
    steps: int = 25
    batch_size: int = 16
    distance: float = 3e-2
    max_norm: float = 1.0
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.SGD(model.parameters(), lr=self.learning_rate)
        model.eval()
        aim = Aim(self.stop, task)
        for batch in islice(endless(task.forget, self.batch_size), self.steps):
            others = other_labels(batch.labels, task.n_emotions, task.generator)
            loss = self.sensitivity(model, batch) - self.sensitivity(
                model, batch._replace(labels=others)
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.max_norm)
            optimiser.step()
            if aim.reached(model):
                break
        return model

    def sensitivity(self, model: Recogniser, batch: Batch) -> Tensor:
        """A number with the gradient of ||x||^2 * ||d f_y(x) / d x||^2, the mean over a batch."""
        inputs = batch.inputs.clone().requires_grad_(True)
        logits = frozen_copy(model)(inputs, batch.lengths)
        (slope,) = torch.autograd.grad(_chosen(logits, batch.labels).sum(), inputs)
        slope = slope * padding_mask(batch)[..., None]
        scale = batch.inputs.flatten(1).norm(dim=1)
        steepness = slope.flatten(1).norm(dim=1)
        step = slope / steepness.clamp_min(torch.finfo(slope.dtype).tiny)[:, None, None]
        step = step * (self.distance * scale)[:, None, None]
        ahead = _chosen(model(batch.inputs + step, batch.lengths), batch.labels)
        behind = _chosen(model(batch.inputs - step, batch.lengths), batch.labels)
        mean: Tensor = (steepness * scale * (ahead - behind) / self.distance).mean()
        return mean


def _chosen(logits: Tensor, labels: Tensor) -> Tensor:
    """The logit [B] of each utterance's label."""
    chosen: Tensor = logits[torch.arange(len(labels), device=labels.device), labels]
    return chosen
