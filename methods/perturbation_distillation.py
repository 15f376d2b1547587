"""Unlearn from the forget set alone: perturbed copies of it stand in for the retain set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax, one_hot

from ser_unlearn import Batch, Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._perturbations import perturbed, shrink


@dataclass(frozen=True)
class PerturbationDistillation(Method):
    """Move the forget set just across the decision boundary, and hold the original around it.

    min_theta pressure * mean over (x, y) in D_f of
                  [margin + z_y(x) - max over k != y of z_k(x)]_+
              + weight * T^2 * mean over copies c of KL(p_T(c; theta_o) || p_T(c; theta)),
    then theta <- theta_o + s * (theta - theta_o), the smallest s that keeps D_f forgotten

    z: logits; p_T: softmax of logits / T. Copies c of D_f, spliced, mixed, shifted and noisy, stand
    in for the retain set: where they lie, the original's output is held. A high temperature holds
    all logits, not only the largest. The pressure grows while much of D_f is known and shrinks
    once it is not, so that distillation may weigh much and yet not win. Utterances of D_f are not
    padded, for a model that has forgotten them with padding may know them without. The last line
    is a search along the way that training went; its goal is the aim.

    Attributes:
        learning_rate: of Adam; it falls linearly to 0.
        steps: of the optimiser.
        batch_size: forget utterances a step.
        copies: perturbed copies a step, drawn anew each time.
        frames: length of a copy.
        weight: of the distillation.
        temperature: T.
        margin: by how much the best wrong logit is to exceed the true one.
        patience: the share of a batch that may lack the margin without the pressure growing.
        stop: the accuracy on the forget set to reach: "zero", or "unseen", the original's
            accuracy on unseen utterances: as if never seen.
    """

    reference = "This project; distillation: Hinton et al. 2015, arXiv:1503.02531"
    needs = frozenset({"forget"})
    variants = {
        "unseen": {
            "stop": "unseen",
            "learning_rate": 0.00086,
            "steps": 51,
            "weight": 7.9,
            "temperature": 4.3,
        }
    }
    smoke = {"steps": 2, "copies": 4}
    search_space = {
        "learning_rate": (1e-4, 1e-3, "log"),
        "steps": (30, 85, "int"),
        "weight": (1.0, 10.0, "log"),
        "temperature": (1.0, 16.0, "log"),
    }
    presets = {"transformer": {"learning_rate": 3e-6, "frames": 16000}}

    learning_rate: float = 0.00088
    steps: int = 83
    batch_size: int = 16
    copies: int = 32
    frames: int = 100
    weight: float = 2.1
    temperature: float = 2.4
    margin: float = 0.2
    patience: float = 0.25
    stop: str = "zero"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        sources, stream = task.forget.whole(), endless(task.forget, 1, crop=False)
        size = min(self.batch_size, len(task.forget))
        optimiser = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, self.steps)
        train_mode(model)
        pressure = 1.0
        for _ in range(self.steps):
            every = [self._lack(model, each) for each in islice(stream, size)]
            lacking = [lack for lack in every if lack > 0]
            copies = perturbed(sources, self.copies, self.frames, task.generator)
            loss = self.weight * self._distillation(original, model, copies)
            if lacking:
                loss = loss + pressure * torch.stack(lacking).sum() / size
            pressure = adjusted(pressure, len(lacking) / size > self.patience)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        aim = Aim(self.stop, task)
        shrink(model, original, lambda: aim.holds(model))
        return model.eval()

    def _lack(self, model: Recogniser, batch: Batch) -> Tensor:
        """What one whole utterance still lacks to be taken for another emotion by the margin."""
        logits = model(batch.inputs, batch.lengths)
        return (lead(logits, batch.labels) + self.margin).clamp_min(0).mean()

    def _distillation(self, original: nn.Module, model: Recogniser, copies: Batch) -> Tensor:
        """How far the model is from what the original says of the copies."""
        with torch.no_grad():
            expected = original(copies.inputs, copies.lengths) / self.temperature
        found = model(copies.inputs, copies.lengths) / self.temperature
        given, wanted = log_softmax(found, dim=1), log_softmax(expected, dim=1)
        divergence = kl_div(given, wanted, reduction="batchmean", log_target=True)
        return self.temperature**2 * divergence


def adjusted(pressure: float, rise: bool) -> float:
    """The pressure for the next step: 5 % more or less, but at least 1 and at most 100."""
    return min(max(pressure * (1.05 if rise else 0.95), 1.0), 100.0)


def lead(logits: Tensor, labels: Tensor) -> Tensor:
    """By how much the true emotion's logit exceeds the best wrong one's: [B]."""
    own = logits.gather(1, labels[:, None]).squeeze(1)
    true = one_hot(labels, logits.shape[1]).bool()
    return own - logits.masked_fill(true, -torch.inf).amax(dim=1)
