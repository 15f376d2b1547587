"""Shadow models: what an attacker trains to learn how models look that know an utterance or not.

They are trained once a corpus and recipe, and shared by all methods, scenarios and seeds. Each is
trained on half of the utterances that could have been trained on: those of the training set and
of the held-out set, whose speakers are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.splits import shuffled
from ser_unlearn.evaluation.membership import Shadows
from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.unlearning.request import Request

COUNT = 16
"""How many there are. Each utterance is known to half of them."""

FIRST_SEED = 2_000_000
"""Of the seeds that shadow models are trained with: out of the way of all others."""


@dataclass(frozen=True)
class Shadow:
    """One shadow model.

    Args:
        setup: corpus and recipe.
        number: from 0. Numbers 2 n and 2 n + 1 share no utterance, and together know all.
    """

    setup: Setup
    number: int

    @property
    def seed(self) -> int:
        """What it is trained with."""
        return FIRST_SEED + self.number

    @cached_property
    def places(self) -> list[int]:
        """Positions of what it is trained on: half of each speaker's utterances of an emotion."""
        split, utterances = self.setup.split, self.setup.corpus.utterances
        pool = {utterances[place].name: place for place in (*split.train, *split.heldout)}
        pair, half = divmod(self.number, 2)
        names = shuffled(pool, "shadow", pair)
        names.sort(key=lambda name: _stratum(utterances[pool[name]]))
        return sorted(pool[name] for name in names[half::2])

    def train(self) -> None:
        """Train the model and store it, unless it is there."""
        self.setup.trained(self.places, self.seed)

    @cached_property
    def trained(self) -> Trained:
        """The model, trained now if the store lacks it."""
        return self.setup.trained(self.places, self.seed)


def _stratum(utterance: Utterance) -> tuple[str, str]:
    return utterance.emotion, utterance.speaker


def everyone(setup: Setup) -> list[Shadow]:
    """All shadow models of a corpus and recipe."""
    return [Shadow(setup, number) for number in range(COUNT)]


def view(shadows: Iterable[Shadow], places: list[int]) -> Shadows:
    """What shadow models say of some utterances, and which of them each was trained with."""
    shadows = list(shadows)
    return Shadows(
        np.stack([shadow.trained.logits[places] for shadow in shadows]),
        np.stack([np.isin(places, shadow.places) for shadow in shadows]),
    )


class ShadowRequest(Request):
    """To forget, by a shadow model, those of the audited utterances that it was trained with.

    Args:
        shadow: the model.
        audited: positions of the utterances that an attack is to judge.
    """

    def __init__(self, shadow: Shadow, audited: Sequence[int]) -> None:
        setup, split = shadow.setup, shadow.setup.split
        self.shadow = shadow
        self.setup = setup
        self.model_seed = shadow.seed
        self.train = shadow.places
        self.before = None
        forget = sorted(set(audited) & set(shadow.places))
        self.sets = {
            "forget": forget,
            "retain": sorted(set(shadow.places) - set(forget)),
            "validation": split.validation,
            "unheard": sorted({*split.train, *split.heldout} - set(shadow.places)),
            "test": split.test,
        }

    @cached_property
    def original(self) -> Trained:
        """The shadow model."""
        return self.shadow.trained

    @property
    def checkpoint(self) -> None:
        """It was trained here."""
        return None
