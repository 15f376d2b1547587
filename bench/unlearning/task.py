"""What a method is handed: the data that it declared, randomness, and helpers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.recogniser.batches import Utterances
from ser_unlearn.recogniser.costs import Meter
from ser_unlearn.recogniser.features import front_end
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.recogniser.outputs import predict
from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.unlearning.statistics import Statistics, kept

DATA = {
    "forget": "the forget set",
    "retain": "the retain set",
    "validation": "unseen utterances of the training speakers, apart from the held-out set",
    "statistics": (
        "statistics kept from training: importances of the weights over the whole training set"
    ),
}
"""What a method may declare in `needs`."""


class Task:
    """One forget request.

    Args:
        setup: corpus and recipe.
        sets: positions in the corpus of "forget", "retain" and "validation", and of "train": what
            the original was trained on.
        method: the method's name, for errors.
        needs: the data that the method declared.
        original: the model that was trained on everything.
        model_seed: the seed that the original was trained with.
        seed: all of the method's randomness comes from it.
        meter: takes charges for models that the task trains.
    """

    def __init__(
        self,
        setup: Setup,
        sets: Mapping[str, list[int]],
        *,
        method: str,
        needs: frozenset[str],
        original: Trained,
        model_seed: int,
        seed: int,
        meter: Meter,
    ) -> None:
        self._setup = setup
        self._sets = sets
        self._method = method
        self._needs = needs
        self._model_seed = model_seed
        self._meter = meter
        self.device = setup.device
        self.n_emotions = setup.n_emotions
        self.generator = torch.Generator().manual_seed(seed)
        unseen = sets["validation"]
        self.unseen_accuracy = float(
            (original.logits[unseen].argmax(axis=1) == setup.labels[unseen]).mean()
        )
        """The original's accuracy on unseen utterances of the training speakers, in 0..1: a
        number that comes with a model, as its classes do. It takes no data to know it."""
        # Before the method is measured: what was kept from training costs it nothing.
        self._statistics = kept(setup, original, sets["train"]) if "statistics" in needs else None

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
        assert self._statistics is not None
        return self._statistics

    def accuracy(self, model: Recogniser, data: Utterances) -> float:
        """Share of whole utterances that the model classifies right, in 0..1.

        It counts as the record's accuracies do.
        """
        logits = predict(model, data.features, data.places, self.device)
        return float((logits.argmax(dim=1) == data.labels.cpu()).float().mean())

    def features(self, waveforms: Tensor) -> Tensor:
        """The recipe's features [B, frames, F] of waveforms [B, T] in -1..1; differentiable."""
        return front_end(self._setup.hparams, waveforms)

    def retrained(self) -> Recogniser:
        """The model trained from scratch on the retain set, with the original's seed.

        Its training is charged to the method, also where the model was in the store.
        """
        self._declared("retain")
        trained = self._setup.trained(self._sets["retain"], self._model_seed)
        with self._meter.charge(trained.costs):
            return self._setup.load(trained.state)

    def _declared(self, name: str) -> Utterances:
        self._check_declared(name)
        return self._setup.utterances(self._sets[name], self.generator)

    def _check_declared(self, name: str) -> None:
        if name not in self._needs:
            raise UndeclaredDataError(
                f"The method '{self._method}' touched {DATA[name]}, but does not declare it. "
                f'Add "{name}" to its `needs`, or leave the data alone.'
            )
