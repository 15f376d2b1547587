"""How soon is what was forgotten learnt again? A model that only hides it needs few steps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch
from torch.nn.functional import cross_entropy as mean_cross_entropy

from ser_unlearn.evaluation import metrics
from ser_unlearn.recogniser.batches import Batch, Utterances
from ser_unlearn.recogniser.model import Recogniser, train_mode
from ser_unlearn.recogniser.outputs import cross_entropy, predict

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
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        train_mode(model)
        for steps in range(0, CAP + 1, LOOK_EVERY):
            if _knows(model, forget, accuracy, loss):
                return steps
            for inputs, lengths, labels in islice(batches, LOOK_EVERY):
                optimiser.zero_grad()
                mean_cross_entropy(model(inputs, lengths), labels).backward()
                optimiser.step()
    return CAP + 1


def _endless(forget: Utterances) -> Iterator[Batch]:
    while True:
        yield from forget.batches(BATCH_SIZE)


def _knows(model: Recogniser, forget: Utterances, accuracy: float, loss: float) -> bool:
    labels = forget.labels
    logits = predict(model, forget.features, forget.places, labels.device).numpy()
    true = labels.cpu().numpy()
    mean = cross_entropy(logits, true).mean()
    return metrics.accuracy(logits, true) >= accuracy and bool(mean <= (1 + MARGIN) * loss)
