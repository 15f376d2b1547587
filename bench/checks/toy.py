"""A toy corpus in memory: small enough to try a method on in a fraction of a second."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ser_unlearn.data.splits import Split
from ser_unlearn.recogniser.costs import Meter
from ser_unlearn.recogniser.features import Ragged, as_float, front_end
from ser_unlearn.recogniser.model import Recogniser, build
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.recogniser.training import train
from ser_unlearn.results.identity import digest
from ser_unlearn.results.store import Artefact, Store
from ser_unlearn.unlearning.brief import Shelf, brief_of
from ser_unlearn.unlearning.task import Task

EMOTIONS = 4
EPOCHS = 40
"""Enough to fit the training set: only then is there something to forget."""
FORGET = tuple(range(6))
"""Positions of the usual forget set."""


class MemoryStore(Store):
    """Artefacts kept in memory."""

    def __init__(self) -> None:
        self._artefacts: dict[str, Artefact] = {}

    def fetch(
        self, kind: str, identity: Mapping[str, Any], make: Callable[[], Artefact]
    ) -> Artefact:
        """Return the artefact of this identity; `make` it if it is not there."""
        key = f"{kind}/{digest(identity)}"
        if key not in self._artefacts:
            self._artefacts[key] = make()
        return self._artefacts[key]


class ToySetup(Setup):
    """Sixty noisy tones whose pitch is the emotion, seen through the recipe `tiny`."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.device = torch.device("cpu")
        self.recipe = load_recipe("tiny")
        self._models: dict[tuple[int, ...], Trained] = {}
        random = np.random.default_rng(0)
        labels = np.arange(60) % EMOTIONS
        waveforms = []
        for label in labels:
            time = np.arange(random.integers(8000, 20000)) / 16000
            tone = np.sin(2 * np.pi * 300 * (1 + label) * time * random.uniform(0.9, 1.1))
            noisy = 0.1 * tone + 0.05 * random.normal(size=len(time))
            waveforms.append(torch.from_numpy((noisy * 32767).astype(np.int16)))
        places = list(range(60))
        with torch.no_grad():
            features = [front_end(self.hparams, as_float(each)[None])[0] for each in waveforms]
        # These are cached properties of a setup that reads them from the store.
        self.__dict__.update(
            corpus=SimpleNamespace(identity={"corpus": "toy"}),
            labels=labels,
            waveforms=Ragged.of(waveforms),
            features=Ragged.of(features),
            split=Split(places[:36], places[36:42], places[42:50], places[50:]),
        )

    @property
    def n_emotions(self) -> int:
        """How many emotions the toy corpus has."""
        return EMOTIONS

    @cached_property
    def _blank(self) -> Recogniser:
        """A model to copy: to read and run the recipe anew takes longer than most runs."""
        return build(self.recipe, EMOTIONS, seed=0)

    def load(self, state: Mapping[str, Tensor]) -> Recogniser:
        """A model of its own with these weights, in eval mode."""
        model = copy.deepcopy(self._blank)
        model.load_state_dict(state)
        return model.eval()

    def trained(self, places: Sequence[int], seed: int) -> Trained:
        """The model trained on these utterances with this seed, kept in memory."""
        key = (seed, *places)
        if key not in self._models:
            model = build(self.recipe, EMOTIONS, seed)
            meter = Meter(self.device)
            with meter.measure(model):
                data = self.utterances(places, torch.Generator().manual_seed(seed))
                train(model, data, replace(self.hparams, number_of_epochs=EPOCHS), seed)
            self._models[key] = Trained(model.state_dict(), self.predict(model), meter.costs())
        return self._models[key]


def sets_of(setup: ToySetup, forget: Sequence[int]) -> dict[str, list[int]]:
    """Positions of the sets of a forget request, by name."""
    return {
        "train": setup.split.train,
        "forget": list(forget),
        "retain": sorted(set(setup.split.train) - set(forget)),
        "validation": setup.split.validation,
    }


def make_task(
    setup: ToySetup,
    needs: frozenset[str],
    *,
    method: str = "toy",
    forget: Sequence[int] = FORGET,
    seed: int = 0,
) -> tuple[Recogniser, Task, Meter]:
    """A private copy of the toy's original model, a forget request for it, and its meter.

    Args:
        setup: the toy.
        needs: the data that the method declares.
        method: what errors call the method.
        forget: positions of the forget set, a part of the first 36.
        seed: of the method.
    """
    original = setup.trained(setup.split.train, 0)
    sets = sets_of(setup, forget)
    brief = brief_of(
        setup,
        sets,
        method=method,
        parameters={},
        needs=needs,
        original=original,
        start=original.state,
        seed=seed,
    )
    meter = Meter(setup.device)
    task = Task(brief, meter, Shelf(setup, sets, needs, 0))
    return setup.load(original.state), task, meter
