"""Training a recogniser: one loop, for the original and the retrained model alike."""

from __future__ import annotations

import torch

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.augmentation import seeded
from ser_unlearn.recogniser.batches import Utterances
from ser_unlearn.recogniser.hparams import Hparams, Optimiser
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.recogniser.outputs import predict


def train(
    model: Recogniser,
    data: Utterances,
    hparams: Hparams,
    seed: int,
    validation: Utterances | None = None,
) -> list[float]:
    """Train a model on a set of utterances as its recipe says.

    Minimises the recipe's loss of random crops with the recipe's optimisers and schedules.

    Args:
        model: trained in place; on the device of `data`.
        data: the training set, or the retain set.
        hparams: the recipe's parameters.
        seed: for what the model itself draws (dropout, augmentation); order and crops come from
            the generator of `data`.
        validation: for schedules that look at the validation error.

    Returns:
        The mean loss of each epoch, in nats.

    Raises:
        UserError: if a schedule looks at the validation error, and there is nothing to see it on.
    """
    factor = hparams.grad_accumulation_factor
    steps = -(-len(data) // hparams.batch_size) // factor * hparams.number_of_epochs
    optimisers = [
        _Running(model, each, steps, hparams.max_grad_norm) for each in hparams.optimisers
    ]
    takes_error = any(each.schedule.takes_error for each in optimisers)
    if takes_error and not validation:
        raise UserError(
            "The recipe's schedule looks at the validation error, and the corpus has no validation "
            "set. Use another schedule, or another corpus."
        )
    history = []
    with seeded(seed):
        model.train()
        for epoch in range(1, hparams.number_of_epochs + 1):
            total, seen = 0.0, 0
            for number, batch in enumerate(data.batches(hparams.batch_size), start=1):
                if hparams.augmentation is not None:
                    batch = hparams.augmentation.change(batch)
                for each in optimisers:
                    each.schedule.begin_batch()
                loss = hparams.compute_cost(model(batch.inputs, batch.lengths), batch.labels)
                (loss / factor).backward()
                if number % factor == 0:
                    for each in optimisers:
                        each.step()
                total += loss.item() * len(batch.labels)
                seen += len(batch.labels)
            history.append(total / seen)
            error = error_rate(model, validation) if takes_error and validation else 0.0
            for each in optimisers:
                each.schedule.end_epoch(epoch, error)
    model.eval()
    return history


def error_rate(model: Recogniser, data: Utterances) -> float:
    """Share of whole utterances that a model gets wrong, in 0..1."""
    labels = data.labels.cpu()
    logits = predict(model, data.features, data.places, data.labels.device)
    return float((logits.argmax(dim=1) != labels).float().mean())


class _Running:
    """An optimiser at work, with its schedule."""

    def __init__(
        self, model: Recogniser, optimiser: Optimiser, steps: int, max_norm: float | None
    ) -> None:
        # A part that is frozen as a whole has no parameters.
        weights = list(model.get_submodule(optimiser.optimises).parameters())
        self._optimiser = optimiser.opt_class(weights or [torch.nn.Parameter(torch.zeros(0))])
        self._max_norm = max_norm
        self.schedule = optimiser.schedule(self._optimiser, steps)

    def step(self) -> None:
        """Take a step along the gradients, and let go of them."""
        if self._max_norm is not None:
            weights = self._optimiser.param_groups[0]["params"]
            torch.nn.utils.clip_grad_norm_(weights, self._max_norm)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self.schedule.end_step()
