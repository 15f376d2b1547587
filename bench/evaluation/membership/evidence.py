"""What an auditor holds, and the part of it that one attack may look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.errors import UndeclaredDataError, UnsupportedError
from ser_unlearn.evaluation.membership.signals import Labels, Logits

SIGHTS = {
    "population": "utterances known never to have been trained on",
    "retain": "utterances known to have been trained on",
    "shadows": "shadow models' logits of the audited utterances",
    "population_shadows": "shadow models' logits of the population",
    "unlearned_shadows": "logits of shadow models that were made to unlearn",
    "original": "the original model's logits of the audited utterances",
}
"""What an attack may declare in `sees`, beside the audited model's logits and the labels."""


@dataclass(frozen=True)
class Outputs:
    """What the audited model says of a set of utterances."""

    logits: Logits
    """[N, C]."""
    labels: Labels
    """[N]."""

    def __post_init__(self) -> None:
        _check("labels", self.labels, self.logits.shape[:1])
        if not np.isfinite(self.logits).all():
            raise ValueError("The audited model's logits are not finite.")


@dataclass(frozen=True)
class Shadows:
    """What K shadow models say of a set of utterances."""

    logits: Logits
    """[K, N, C]."""
    mask: NDArray[np.bool_]
    """[K, N]: which model was trained with which utterance. Of models that were made to unlearn:
    which were trained with it and then unlearned it; the logits of the rest are not looked at."""

    def __post_init__(self) -> None:
        _check("mask", self.mask, self.logits.shape[:2])


@dataclass(frozen=True)
class Evidence:
    """All that an auditor holds of one model. Which utterances are members is not among it."""

    target: Outputs
    """The audited utterances: the forget set, then the held-out non-members."""
    population: Outputs | None = None
    """Utterances of the training speakers that were never trained on (the validation set)."""
    retain: Outputs | None = None
    """Utterances that were trained on and are not to be forgotten."""
    shadows: Shadows | None = None
    """Of the audited utterances."""
    population_shadows: Shadows | None = None
    """The same shadow models, of the population."""
    unlearned_shadows: Shadows | None = None
    """Of the audited utterances, by models that the audited method made unlearn some of them."""
    original: Logits | None = None
    """[N, C], of the audited utterances."""

    def __post_init__(self) -> None:
        audited = self.target.logits.shape
        for name in ("shadows", "unlearned_shadows"):
            if (shadows := getattr(self, name)) is not None:
                _check(name, shadows.logits, (len(shadows.logits), *audited))
        if self.original is not None:
            _check("original", self.original, audited)
        if self.population is not None and self.population_shadows is not None:
            shadows = self.population_shadows.logits
            _check("population_shadows", shadows, (len(shadows), *self.population.logits.shape))

    def holds(self, sees: frozenset[str]) -> bool:
        """Whether everything is there that an attack wants to see."""
        return all(getattr(self, name) is not None for name in sees)


@dataclass(frozen=True)
class View:
    """Evidence as one attack sees it: touching what it did not declare is an error.

    Args:
        evidence: what the auditor holds.
        attack: the attack's name, for errors.
        sees: keys of `SIGHTS`.
    """

    _evidence: Evidence
    _attack: str
    _sees: frozenset[str]

    @property
    def target(self) -> Outputs:
        """The audited utterances, which every attack sees."""
        return self._evidence.target

    @property
    def population(self) -> Outputs:
        """Utterances known never to have been trained on."""
        found: Outputs = self._declared("population")
        return found

    @property
    def retain(self) -> Outputs:
        """Utterances known to have been trained on."""
        found: Outputs = self._declared("retain")
        return found

    @property
    def shadows(self) -> Shadows:
        """Shadow models' logits of the audited utterances."""
        found: Shadows = self._declared("shadows")
        return found

    @property
    def population_shadows(self) -> Shadows:
        """Shadow models' logits of the population."""
        found: Shadows = self._declared("population_shadows")
        return found

    @property
    def unlearned_shadows(self) -> Shadows:
        """Logits of the audited utterances by shadow models that unlearned them."""
        found: Shadows = self._declared("unlearned_shadows")
        return found

    @property
    def original(self) -> Logits:
        """The original model's logits of the audited utterances, [N, C]."""
        found: Logits = self._declared("original")
        return found

    def _declared(self, name: str) -> Any:
        if name not in self._sees:
            raise UndeclaredDataError(
                f"The attack '{self._attack}' touched {SIGHTS[name]}, but does not declare it. "
                f'Add "{name}" to its `sees`, or leave it alone.'
            )
        found = getattr(self._evidence, name)
        if found is None:
            raise UnsupportedError(
                f"The attack '{self._attack}' needs {SIGHTS[name]} (`{name}`), and there are none."
            )
        return found


def _check(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {array.shape}.")
