"""Where jobs work: a corpus seen through a recipe, loaded once a process."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ser_unlearn.data.cards import Card
from ser_unlearn.evaluation.audit import Auditor
from ser_unlearn.evaluation.behaviour import Reference, reference_of
from ser_unlearn.evaluation.prices import Price
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.recogniser.setup import Setup
from ser_unlearn.results.mirror import store_at
from ser_unlearn.results.records import recogniser_name
from ser_unlearn.unlearning.request import Request


@dataclass(frozen=True)
class Place:
    """A corpus seen through a recipe, in a form that can be sent to another process."""

    corpus: str
    recipe: str
    """The name of one of the project's, or the path of a file."""
    data_dir: Path | None
    device: str
    store: str | Path
    """Where it is: a URL, or a folder."""
    checkpoint: str | None = None
    """What the original model is known by, if it was trained elsewhere."""
    card: str | None = None
    """The card as JSON, of a corpus that is none of the project's."""

    @property
    def recogniser(self) -> str:
        """What records call the recipe and, if it was trained elsewhere, the model."""
        return recogniser_name(self.recipe_name, self.checkpoint)

    @property
    def recipe_name(self) -> str:
        """What records call the recipe."""
        return _recipe_name(self.recipe)

    def setup(self) -> Setup:
        """The corpus and the recipe, loaded once a process."""
        return _setup(self)

    def request(self, scenario: str, model_seed: int, forget_seed: int) -> Request:
        """A forget request, drawn once for the jobs in a row that answer it."""
        return _request(self, scenario, model_seed, forget_seed)

    def auditor(
        self, scenario: str, model_seed: int, forget_seed: int, price: Price, references: int
    ) -> Auditor:
        """Who attacks the answers to a request."""
        return _auditor(self, scenario, model_seed, forget_seed, price, references)

    def reference(
        self, scenario: str, model_seed: int, forget_seed: int, references: int
    ) -> Reference:
        """What the metrics of all answers to a request compare them with."""
        return _reference(self, scenario, model_seed, forget_seed, references)


@lru_cache
def _recipe_name(recipe: str) -> str:
    return load_recipe(recipe).name


@lru_cache(maxsize=4)
def _setup(place: Place) -> Setup:
    return Setup(
        Card.model_validate_json(place.card) if place.card else place.corpus,
        place.recipe,
        place.data_dir,
        place.device,
        store_at(place.store),
        place.checkpoint,
    )


@lru_cache(maxsize=4)
def _request(place: Place, scenario: str, model_seed: int, forget_seed: int) -> Request:
    return Request(place.setup(), scenario, model_seed, forget_seed)


@lru_cache(maxsize=4)
def _auditor(
    place: Place, scenario: str, model_seed: int, forget_seed: int, price: Price, references: int
) -> Auditor:
    return Auditor(place.request(scenario, model_seed, forget_seed), price, references)


@lru_cache(maxsize=4)
def _reference(
    place: Place, scenario: str, model_seed: int, forget_seed: int, references: int
) -> Reference:
    return reference_of(place.request(scenario, model_seed, forget_seed), references)


@contextmanager
def worker() -> Iterator[None]:
    """Make a process a good worker: single-threaded, warmed up, and back to its size in the end."""
    import torch

    from ser_unlearn.recogniser.costs import give_back_memory, hold_memory

    torch.set_num_threads(1)
    hold_memory()
    # The first optimiser of a process imports it, for a second, and would do so on training's time.
    importlib.import_module("torch._dynamo")
    yield
    give_back_memory()
