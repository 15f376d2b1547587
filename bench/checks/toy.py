"""A toy corpus in memory: small enough to try a method on in a fraction of a second."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import Pipe
from types import SimpleNamespace
from typing import Any, Self

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
from ser_unlearn.unlearning.line import Counter, Remote, serve
from ser_unlearn.unlearning.statistics import kept
from ser_unlearn.unlearning.task import Task

EMOTIONS = 4
EPOCHS = 40
"""Enough to fit the training set: only then is there something to forget."""
FORGET = tuple(range(6))
"""Positions of the usual forget set."""


class MemoryStore(Store):
    """Artefacts kept in memory.

    Args:
        behind: another store, which is read and never written to.
    """

    def __init__(self, behind: MemoryStore | None = None) -> None:
        self._artefacts: dict[str, Artefact] = {}
        self._behind = behind

    def fetch(
        self, kind: str, identity: Mapping[str, Any], make: Callable[[], Artefact]
    ) -> Artefact:
        """Return the artefact of this identity; `make` it if it is not there."""
        key = f"{kind}/{digest(identity)}"
        found = self._find(key)
        if found is None:
            found = self._artefacts[key] = make()
        return found

    def _find(self, key: str) -> Artefact | None:
        if key in self._artefacts or self._behind is None:
            return self._artefacts.get(key)
        return self._behind._find(key)


class ToySetup(Setup):
    """Sixty noisy tones whose pitch is the emotion, seen through the recipe `tiny`."""

    store: MemoryStore

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.device = torch.device("cpu")
        self.recipe = load_recipe("tiny")
        self._models: dict[tuple[int, ...], Trained] = {}
        self._source: Self | None = None
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

    def fresh(self, needs: frozenset[str] = frozenset()) -> Self:
        """A copy, of which this one sees nothing whatever is done to it.

        Models are trained here, and so are the statistics kept from it that `needs` may name:
        they know nothing of what is done to the copy's recordings.
        """
        if "statistics" in needs:
            kept(self, self.trained(self.split.train, 0), self.split.train)
        own = copy.copy(self)
        own.store = MemoryStore(self.store)
        own.__dict__.update(
            labels=self.labels.copy(),
            waveforms=_copy_of(self.waveforms),
            features=_copy_of(self.features),
        )
        own._models, own._source = {}, self
        return own

    def trained(self, places: Sequence[int], seed: int) -> Trained:
        """The model trained on these utterances with this seed, kept in memory."""
        key = (seed, *places)
        if key not in self._models and self._source is not None:
            found = self._source.trained(places, seed)
            state = {name: each.clone() for name, each in found.state.items()}
            self._models[key] = Trained(state, found.logits.copy(), found.costs)
        if key not in self._models:
            model = build(self.recipe, EMOTIONS, seed)
            meter = Meter(self.device)
            with meter.measure(model):
                data = self.utterances(places, torch.Generator().manual_seed(seed))
                train(model, data, replace(self.hparams, number_of_epochs=EPOCHS), seed)
            self._models[key] = Trained(model.state_dict(), self.predict(model), meter.costs())
        return self._models[key]


def _copy_of(everything: Ragged) -> Ragged:
    return Ragged(everything.values.clone(), everything.lengths.clone())


def sets_of(
    setup: ToySetup, forget: Sequence[int], kept_back: Sequence[int] = ()
) -> dict[str, list[int]]:
    """Positions of the sets of a forget request, by name; what is kept back is in none but "train".

    Args:
        setup: the toy.
        forget: positions of the forget set.
        kept_back: positions that are not in the retain set either.
    """
    return {
        "train": setup.split.train,
        "forget": list(forget),
        "retain": sorted(set(setup.split.train) - {*forget, *kept_back}),
        "validation": setup.split.validation,
    }


@dataclass(frozen=True)
class Handed:
    """What a method is handed, and what the harness keeps."""

    model: Recogniser
    """A private copy of the toy's original model."""
    task: Task
    meter: Meter
    counter: Counter
    """Has account of what the method asked for."""


def hand_out(
    setup: ToySetup,
    needs: frozenset[str],
    *,
    method: str = "toy",
    forget: Sequence[int] = FORGET,
    kept_back: Sequence[int] = (),
    seed: int = 0,
) -> Handed:
    """The toy's original model and a forget request for it, as a process apart is handed them.

    The brief is a copy, and for the rest there is a line. So the task holds no more than in a run.

    Args:
        setup: the toy.
        needs: the data that the method declares.
        method: what errors call the method.
        forget: positions of the forget set, a part of the first 36.
        kept_back: positions that are in neither the forget nor the retain set.
        seed: of the method.
    """
    original = setup.trained(setup.split.train, 0)
    sets = sets_of(setup, forget, kept_back)
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
    meter, counter = Meter(setup.device), Counter(Shelf(setup, sets, needs, 0))
    ours, theirs = Pipe()
    threading.Thread(target=serve, args=(ours, counter), daemon=True).start()
    task = Task(pickle.loads(pickle.dumps(brief)), meter, Remote(theirs))
    return Handed(setup.load(original.state), task, meter, counter)


def make_task(
    setup: ToySetup,
    needs: frozenset[str],
    *,
    method: str = "toy",
    forget: Sequence[int] = FORGET,
    seed: int = 0,
) -> tuple[Recogniser, Task, Meter]:
    """The model, the task and the meter that `hand_out` gives."""
    handed = hand_out(setup, needs, method=method, forget=forget, seed=seed)
    return handed.model, handed.task, handed.meter
