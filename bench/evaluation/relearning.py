"""How soon is what was forgotten learnt again? A model that only hides it needs few steps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy as mean_cross_entropy

from ser_unlearn.recogniser.batches import Batch, Utterances
from ser_unlearn.recogniser.model import Recogniser, train_mode
from ser_unlearn.recogniser.outputs import (
    Logits,
    cross_entropy,
    equally_long,
    eval_mode,
    predict_batch,
)

CAP = 30
"""The search ends after so many steps."""
LEARNING_RATE = 3e-4
BATCH_SIZE = 16
LOOK_EVERY = 2
"""Steps from one look at the whole utterances to the next: a look costs as much as a step."""
MARGIN = 0.1
"""How far above the original's loss a model may stay, as a share of it."""


def relearn_steps(
    model: Recogniser,
    forget: Utterances,
    seed: int,
    said: Logits,
    *,
    accuracy: float,
    loss: float,
) -> int:
    """Steps of training on the forget set until a model knows it as well as the original did.

    "Relearn time", after Tarun et al. 2021, arXiv:2111.08947, in mini-batches and with a margin as
    in the index of Chundawat et al. 2022, arXiv:2201.05629. By accuracy alone, a model that
    generalises well has nothing to learn again; so the original's loss has to be reached as well.

    Minimises the cross-entropy of random crops with Adam, with a learning rate that does not
    change, at fixed statistics of batch normalisation.

    Args:
        model: trained in place, on the device of `forget`.
        forget: the forget set; order and crops come from its generator.
        seed: for what the model itself draws, such as dropout.
        said: what the model says of the forget set beforehand, as `predict` gives it.
        accuracy: the original's on the forget set, in 0..1.
        loss: the original's mean cross-entropy on the forget set, in nats.

    Returns:
        0 for a model that knows it already, `CAP` + 1 for one that does not get there; else a
        multiple of `LOOK_EVERY`.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    batches = _endless(forget)
    exam = _Exam(forget, accuracy, loss)
    if exam.is_passed_with(said):
        return 0
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        train_mode(model)
        for steps in range(LOOK_EVERY, CAP + 1, LOOK_EVERY):
            for inputs, lengths, labels in islice(batches, LOOK_EVERY):
                optimiser.zero_grad()
                mean_cross_entropy(model(inputs, lengths), labels).backward()
                optimiser.step()
            if exam.is_passed_by(model):
                return steps
    return CAP + 1


def _endless(forget: Utterances) -> Iterator[Batch]:
    while True:
        yield from forget.batches(BATCH_SIZE)


class _Exam:
    """Whether a model knows the forget set, found out with as few utterances as that takes.

    What `predict` says of the set has to reach accuracy and loss. A model that does not get there
    mostly fails by a few utterances: what it knew least at the last look is asked first, and a look
    ends where nothing said of the rest could help.
    """

    def __init__(self, forget: Utterances, accuracy: float, loss: float) -> None:
        self._forget = forget
        self._labels = forget.labels.cpu().numpy()
        self._accuracy = accuracy
        self._loss = (1 + MARGIN) * loss
        self._batches = equally_long(forget.features, forget.places)
        self._losses = np.zeros(len(forget))
        """Of each utterance, when it was last asked."""

    def is_passed_with(self, said: Logits) -> bool:
        """Judge what a model says of the whole set."""
        self._losses = cross_entropy(said, self._labels)
        return self._suffices(said.argmax(axis=1) == self._labels, self._losses)

    def is_passed_by(self, model: Recogniser) -> bool:
        """Ask a model, which stays in its mode."""
        places, device = self._forget.places, self._forget.labels.device
        self._batches.sort(key=lambda rows: -self._losses[rows].sum())
        # Of what is not asked yet, the best that could be said.
        right, losses = np.ones(len(places), dtype=bool), np.zeros(len(places))
        with eval_mode(model):
            for rows in self._batches:
                asked = [places[row] for row in rows]
                said = predict_batch(model, self._forget.features, asked, device).numpy()
                right[rows] = said.argmax(axis=1) == self._labels[rows]
                losses[rows] = self._losses[rows] = cross_entropy(said, self._labels[rows])
                if not self._suffices(right, losses):
                    return False
        return True

    def _suffices(self, right: NDArray[np.bool_], losses: NDArray[np.float64]) -> bool:
        return bool(right.mean() >= self._accuracy and losses.mean() <= self._loss)
