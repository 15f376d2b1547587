"""What the process that runs a method is handed: all that it declared, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.recogniser.costs import Costs
from ser_unlearn.recogniser.counting import Counts
from ser_unlearn.recogniser.features import Ragged
from ser_unlearn.recogniser.recipe import Recipe
from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.unlearning.statistics import kept

Arrays = Mapping[str, NDArray[Any]]
"""Weights by their names. Arrays are sent to another process by value; tensors would be shared."""

SETS = ("forget", "retain", "validation")


@dataclass(frozen=True)
class Pieces:
    """Utterances one after another, as `Ragged` has them."""

    values: NDArray[Any]
    lengths: NDArray[np.int64]

    @staticmethod
    def of(everything: Ragged, places: Sequence[int]) -> Pieces:
        """The utterances at these positions, copied."""
        chosen = Ragged.of([everything[place] for place in places])
        return Pieces(chosen.values.numpy(), chosen.lengths.numpy())

    def ragged(self) -> Ragged:
        """The utterances as tensors; writing to them changes nobody else's."""
        return Ragged(torch.from_numpy(self.values), torch.from_numpy(self.lengths))


@dataclass(frozen=True)
class Brief:
    """A method's run on one forget request, in a form that can be sent to another process."""

    recipe: Recipe
    n_emotions: int
    device: str
    method: str
    """The method's name."""
    path: Path | None
    """Its file, if it is neither in `methods/` nor in an installed package."""
    parameters: Mapping[str, Any]
    needs: frozenset[str]
    seed: int
    """All of the method's randomness comes from it."""
    unseen_accuracy: float
    """The original's accuracy on unseen utterances of the training speakers, in 0..1."""
    start: Arrays
    """Weights of the model to unlearn from."""
    features: Mapping[str, Pieces]
    """Of the declared sets, by the set's name."""
    labels: Mapping[str, NDArray[np.int64]]
    """Of the declared sets."""
    statistics: Mapping[str, Arrays] | None
    """Of the original model, if they are declared."""
    counts: Counts = field(default_factory=dict)
    """Operations of calls that are counted already."""


class Supplies(Protocol):
    """What a task asks for only when a method wants it, for few do."""

    def waveforms(self, name: str) -> Pieces:
        """The trimmed waveforms of a declared set, in 16-bit steps."""

    def retrained(self) -> tuple[Arrays, Costs]:
        """The retrained model's weights, and what its training cost."""


@dataclass(frozen=True)
class Shelf:
    """Supplies from the harness's own process.

    Args:
        setup: corpus and recipe.
        sets: positions in the corpus of the forget, the retain and the validation set.
        needs: what the method declared; the rest is not given out.
        model_seed: the seed that the original was trained with.
    """

    setup: Setup
    sets: Mapping[str, Sequence[int]]
    needs: frozenset[str]
    model_seed: int

    def waveforms(self, name: str) -> Pieces:
        """The trimmed waveforms of a declared set, in 16-bit steps."""
        self._check_declared(name)
        return Pieces.of(self.setup.waveforms, self.sets[name])

    def retrained(self) -> tuple[Arrays, Costs]:
        """The retrained model's weights, and what its training cost."""
        self._check_declared("retain")
        trained = self.setup.trained(self.sets["retain"], self.model_seed)
        return as_arrays(trained.state), trained.costs

    def _check_declared(self, name: str) -> None:
        if name not in self.needs:
            raise UndeclaredDataError(f"The method asked for '{name}', but does not declare it.")


def brief_of(
    setup: Setup,
    sets: Mapping[str, Sequence[int]],
    *,
    method: str,
    parameters: Mapping[str, Any],
    needs: frozenset[str],
    original: Trained,
    start: Mapping[str, Tensor],
    seed: int,
    path: Path | None = None,
    counts: Counts | None = None,
) -> Brief:
    """Put together what a method is handed.

    Args:
        setup: corpus and recipe.
        sets: positions in the corpus of "forget", "retain" and "validation", and of "train": what
            the original was trained on.
        method: the method's name.
        parameters: all its fields.
        needs: the data that it declared.
        original: the model that was trained on everything.
        start: weights of the model to unlearn from.
        seed: all of the method's randomness comes from it.
        path: the method's file, if it is neither in `methods/` nor in an installed package.
        counts: operations of calls that are counted already.
    """
    unseen = sets["validation"]
    right = original.logits[unseen].argmax(axis=1) == setup.labels[unseen]
    statistics = None
    if "statistics" in needs:
        found = kept(setup, original, list(sets["train"]))
        statistics = {
            "fisher": as_arrays(found.fisher),
            "sensitivity": as_arrays(found.sensitivity),
        }
    declared = [name for name in SETS if name in needs]
    return Brief(
        setup.recipe,
        setup.n_emotions,
        setup.device.type,
        method,
        path,
        dict(parameters),
        needs,
        seed,
        float(right.mean()),
        as_arrays(start),
        # An empty set has nothing to put one after another.
        {name: Pieces.of(setup.features, sets[name]) for name in declared if sets[name]},
        {name: setup.labels[list(sets[name])] for name in declared},
        statistics,
        counts or {},
    )


def as_arrays(tensors: Mapping[str, Tensor]) -> Arrays:
    """Tensors as arrays on the processor."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def as_tensors(arrays: Arrays, device: torch.device) -> dict[str, Tensor]:
    """Arrays as tensors of their own on a device."""
    return {name: torch.from_numpy(array.copy()).to(device) for name, array in arrays.items()}
