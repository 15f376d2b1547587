"""Unlearn from the forget set alone: perturbed copies of it stand in for the retain set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax, one_hot

from ser_unlearn import Batch, Method, Recogniser, Task, Utterances, frozen_copy, train_mode
from ser_unlearn.methods._perturbations import perturbed, shrink


@dataclass(frozen=True)
class PerturbationDistillation(Method):
    """Move the forget set just across the decision boundary, and hold the original around it.

    min_theta pressure * mean over (x, y) in D_f of
                  [margin + z_y(x) - max over k != y of z_k(x)]_+
              + weight * T^2 * mean over copies c of KL(p_T(c; theta_o) || p_T(c; theta)),
    then theta <- theta_o + s * (theta - theta_o), the smallest s that keeps D_f forgotten

    z: logits; p_T: softmax of logits / T; copies c of D_f (see `_perturbations`) stand in for the
    retain set. The pressure grows while much of D_f is known and shrinks once it is not, so that
    distillation may weigh much and yet not win. Utterances are not padded: of 16 that were, 7
    were still known without (espeak).

    On RAVDESS, by which nothing was chosen (three models, two draws each), it forgets everything
    and loses -0.3 points of test accuracy at random:16, -0.2 at random:64, 0.6 at speaker:1; the
    adversarial methods, which alone forget as much, lose 11 to 26. It is not near the retrained
    model, which still knows much of the forget set, and attacks tell the two apart.

    What helped: mean KL from the original's outputs on the test set, all of D_f forgotten, for
    one model and random:16 on EMO-DB (two draws) and espeak. T = 2: 0.11, 0.15, 0.10; T = 8 and
    pressure: 0.07, 0.13, 0.10, with KL on the retain set down by 27 to 53 %; 150 steps instead
    of 100: 0.05 and 0.08 (first draw, espeak). Without pressure, T = 8 leaves 2 of 16 known
    before the search (espeak). Steps matter more yet with 64: 0.44 after 200 of them, 0.26
    after 400 at twice the weight, 0.32 after 400 at T = 2 (EMO-DB).

    What did not help (EMO-DB; the first three against earlier defaults at 0.11 to 0.12):
    cross-entropy with the original's runner-up (0.16) or with its output without the true
    emotion (0.17); a margin of 1 (0.21); collages of bands, warp and contrast in place of the
    shift (0.15). Against T = 2 at 0.11: training the last layers only (0.23); adversarial
    examples among the copies (0.20); longer copies, half as many (0.11, 2 of 16 known before the
    search); distilling the blocks' outputs (0.11) or embeddings (0.10) too. Against a divergence
    of logits at 0.06: embeddings too (0.06); half of the copies from synthetic speech (0.07).
    A closed-form step orthogonal to the gradients of copies ended at 0 to 6 % forgotten. The
    search finds s = 0.98 to 1.03: it hardly repairs anything. Without distillation, retain
    accuracy falls by 70 points.

    Attributes:
        learning_rate: of Adam; it falls linearly to 0.
        epochs: passes over the forget set.
        most_steps: no more than these, however large the forget set.
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
    variants = {"unseen": {"stop": "unseen"}}
    smoke = {"epochs": 2, "copies": 4}
    search_space = {
        "learning_rate": (1e-4, 1e-3, "log"),
        "epochs": (50, 200, "int"),
        "weight": (1.0, 10.0, "log"),
        "temperature": (1.0, 16.0, "log"),
    }

    learning_rate: float = 3e-4
    epochs: int = 150
    most_steps: int = 400
    batch_size: int = 16
    copies: int = 32
    frames: int = 100
    weight: float = 5.0
    temperature: float = 8.0
    margin: float = 0.2
    patience: float = 0.25
    stop: str = "zero"

    def __post_init__(self) -> None:
        known = ("zero", "unseen")
        if self.stop not in known:
            raise ValueError(f"stop is '{self.stop}'. Choose one of: {', '.join(known)}.")

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        sources, stream = task.forget.whole(), endless(task.forget)
        size = min(self.batch_size, len(task.forget))
        steps = min(self.epochs * -(-len(task.forget) // size), self.most_steps)
        optimiser = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
        train_mode(model)
        pressure = 1.0
        for _ in range(steps):
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
        enough = {"zero": 0.0, "unseen": task.unseen_accuracy}[self.stop]
        shrink(model, original, lambda: task.accuracy(model, task.forget) <= enough)
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


def endless(data: Utterances) -> Iterator[Batch]:
    """Give whole utterances, one by one and without end: padding changes what a model says."""
    while True:
        yield from data.batches(1, crop=False)


def adjusted(pressure: float, rise: bool) -> float:
    """The pressure for the next step: 5 % more or less, but at least 1 and at most 100."""
    return min(max(pressure * (1.05 if rise else 0.95), 1.0), 100.0)


def lead(logits: Tensor, labels: Tensor) -> Tensor:
    """By how much the true emotion's logit exceeds the best wrong one's: [B]."""
    own = logits.gather(1, labels[:, None]).squeeze(1)
    true = one_hot(labels, logits.shape[1]).bool()
    return own - logits.masked_fill(true, -torch.inf).amax(dim=1)
