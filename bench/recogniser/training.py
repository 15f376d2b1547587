"""Training a recogniser: one loop, for the original and the retrained model alike."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn.recogniser.batches import Utterances
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.recogniser.recipe import Hparams


def train(model: Recogniser, data: Utterances, hparams: Hparams, seed: int) -> list[float]:
    """Train a model on a set of utterances as its recipe says.

    Minimises the cross-entropy of random crops with the recipe's optimiser and schedule.

    Args:
        model: trained in place; on the device of `data`.
        data: the training set, or the retain set.
        hparams: the recipe's parameters.
        seed: for what the model itself draws (dropout, augmentation); order and crops come from
            the generator of `data`.

    Returns:
        The mean loss of each epoch, in nats.
    """
    optimiser = hparams.opt_class(model.parameters())
    steps = -(-len(data) // hparams.batch_size) * hparams.number_of_epochs
    schedule = hparams.lr_scheduler(optimiser, total_steps=steps)
    history = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model.train()
        for _ in range(hparams.number_of_epochs):
            total = 0.0
            for inputs, lengths, labels in data.batches(hparams.batch_size):
                loss = cross_entropy(model(inputs, lengths), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                total += loss.item() * len(labels)
            history.append(total / len(data))
    model.eval()
    return history
