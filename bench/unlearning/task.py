"""What a method is handed: the data that it declared, randomness, and helpers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.recogniser.batches import Utterances
from ser_unlearn.recogniser.costs import Meter
from ser_unlearn.recogniser.features import Ragged, front_end
from ser_unlearn.recogniser.hparams import Hparams
from ser_unlearn.recogniser.model import Recogniser, load
from ser_unlearn.recogniser.outputs import predict
from ser_unlearn.recogniser.recipe import Recipe
from ser_unlearn.unlearning.brief import Brief, Supplies, as_tensors
from ser_unlearn.unlearning.declared import DATA
from ser_unlearn.unlearning.line import Curve
from ser_unlearn.unlearning.statistics import Statistics


@lru_cache(maxsize=4)
def _hparams(recipe: Recipe, n_emotions: int) -> Hparams:
    """The loaded recipe; its modules are used for features alone."""
    return recipe.load(n_emotions)


class Task:
    """One forget request.

    Args:
        brief: the declared data, and what comes with a model.
        meter: takes charges for models that the task trains.
        supplies: gives what few methods ask for.
    """

    def __init__(self, brief: Brief, meter: Meter, supplies: Supplies) -> None:
        self._brief = brief
        self._meter = meter
        self._supplies = supplies
        self._looks: list[tuple[Callable[[], int], float]] = []
        self._hparams = _hparams(brief.recipe, brief.n_emotions)
        self.device = torch.device(brief.device)
        self.n_emotions = brief.n_emotions
        self.generator = torch.Generator().manual_seed(brief.seed)
        self.unseen_accuracy = brief.unseen_accuracy
        """The original's accuracy on unseen utterances of the training speakers, in 0..1: a
        number that comes with a model, as its classes do. It takes no data to know it."""

    @property
    def forget(self) -> Utterances:
        """The forget set."""
        return self._declared("forget")

    @property
    def retain(self) -> Utterances:
        """The retain set."""
        return self._declared("retain")

    @property
    def validation(self) -> Utterances:
        """Unseen utterances of the training speakers, apart from the held-out set."""
        return self._declared("validation")

    @property
    def statistics(self) -> Statistics:
        """Importances of the original's weights over its whole training set.

        They are kept from training, so that their cost is not charged to the method.
        """
        self._check_declared("statistics")
        return self._statistics

    def accuracy(self, model: Recogniser, data: Utterances) -> float:
        """Share of whole utterances that the model classifies right, in 0..1.

        It counts as the record's accuracies do. What it finds of the forget set becomes a point of
        the record's curve.
        """
        logits = predict(model, data.features, data.places, self.device)
        found = float((logits.argmax(dim=1) == data.labels.cpu()).float().mean())
        if data.features is self._features.get("forget"):
            self._looks.append((self._meter.flops_so_far(), found))
        return found

    @property
    def curve(self) -> Curve:
        """What `accuracy` found of the forget set, as often as it was asked."""
        return [(flops(), found) for flops, found in self._looks]

    def features(self, waveforms: Tensor) -> Tensor:
        """The recipe's features [B, frames, F] of waveforms [B, T] in -1..1; differentiable."""
        return front_end(self._hparams, waveforms)

    def retrained(self) -> Recogniser:
        """The model trained from scratch on the retain set, with the original's seed.

        Its training is charged to the method, also where the model was in the store.
        """
        self._check_declared("retain")
        state, costs = self._supplies.retrained()
        with self._meter.charge(costs):
            return load(
                self._brief.recipe, self.n_emotions, as_tensors(state, self.device), self.device
            )

    @cached_property
    def _statistics(self) -> Statistics:
        found = self._brief.statistics
        assert found is not None
        return Statistics(**{kind: as_tensors(each, self.device) for kind, each in found.items()})

    def _declared(self, name: str) -> Utterances:
        self._check_declared(name)
        labels = torch.from_numpy(self._brief.labels[name])
        return Utterances(
            self._features[name],
            labels,
            range(len(labels)),
            generator=self.generator,
            crop_frames=self._hparams.crop_frames,
            device=self.device,
            waveforms=lambda: self._supplies.waveforms(name).ragged(),
        )

    @cached_property
    def _features(self) -> dict[str, Ragged]:
        nothing = Ragged(torch.zeros(0), torch.zeros(0, dtype=torch.long))
        return {
            name: self._brief.features[name].ragged() if name in self._brief.features else nothing
            for name in self._brief.labels
        }

    def _check_declared(self, name: str) -> None:
        if name not in self._brief.needs:
            raise UndeclaredDataError(
                f"The method '{self._brief.method}' touched {DATA[name]}, but does not declare "
                f'it. Add "{name}" to its `needs`, or leave the data alone.'
            )
