"""How soon is what was forgotten learnt again? A model that only hides it needs few steps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from torch.nn.functional import cross_entropy as mean_cross_entropy

from ser_unlearn.recogniser.batches import Batch, Utterances
from ser_unlearn.recogniser.model import Recogniser, train_mode
from ser_unlearn.recogniser.outputs import cross_entropy, equally_long, eval_mode, predict_batch

CAP = 30
"""The search ends after so many steps."""
LEARNING_RATE = 3e-4
BATCH_SIZE = 16
LOOK_EVERY = 2
"""Steps from one look at the whole utterances to the next: a look costs as much as a step."""
MARGIN = 0.1
"""How far above the original's loss a model may stay, as a share of it."""


def relearn_steps(
    model: Recogniser, forget: Utterances, seed: int, *, accuracy: float, loss: float
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
        accuracy: the original's on the forget set, in 0..1.
        loss: the original's mean cross-entropy on the forget set, in nats.

    Returns:
        0 for a model that knows it already, `CAP` + 1 for one that does not get there; else a
        multiple of `LOOK_EVERY`.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    batches = _endless(forget)
    exam = _Exam(forget, accuracy, loss)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        train_mode(model)
        for steps in range(0, CAP, LOOK_EVERY):
            if exam.is_passed_by(model):
                return steps
            for inputs, lengths, labels in islice(batches, LOOK_EVERY):
                optimiser.zero_grad()
                mean_cross_entropy(model(inputs, lengths), labels).backward()
                optimiser.step()
        return CAP if exam.is_passed_by(model) else CAP + 1


def _endless(forget: Utterances) -> Iterator[Batch]:
    while True:
        yield from forget.batches(BATCH_SIZE)


class _Exam:
    """Whether a model knows the forget set, found out with as few utterances as that takes.

    What `predict` says of the set has to reach accuracy and loss. A model that fails mostly does
    so by a few utterances: what it said least of at the last look is asked first, and the look
    ends where no answer to the rest could help.
    """

    def __init__(self, forget: Utterances, accuracy: float, loss: float) -> None:
        self._forget = forget
        self._labels = forget.labels.cpu().numpy()
        self._accuracy = accuracy
        self._loss = (1 + MARGIN) * loss
        self._batches = equally_long(forget.features, forget.places)
        self._losses = np.zeros(len(forget))  # of each utterance, when it was last asked

    def is_passed_by(self, model: Recogniser) -> bool:
        """Ask a model, which stays in its mode."""
        places, device = self._forget.places, self._forget.labels.device
        self._batches.sort(key=lambda rows: -self._losses[rows].sum())
        known = np.ones(len(places), dtype=bool)
        losses = np.zeros(len(places))
        with eval_mode(model):
            for rows in self._batches:
                asked = [places[row] for row in rows]
                logits = predict_batch(model, self._forget.features, asked, device).numpy()
                known[rows] = logits.argmax(axis=1) == self._labels[rows]
                losses[rows] = self._losses[rows] = cross_entropy(logits, self._labels[rows])
                # With what is still to be asked known, at no loss.
                if not (known.mean() >= self._accuracy and losses.mean() <= self._loss):
                    return False
        return True
