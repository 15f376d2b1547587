"""Jobs that train models which the store lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ser_unlearn.evaluation.shadows import Shadow
from ser_unlearn.runner.places import Place, worker
from ser_unlearn.unlearning.request import reference_seed


@dataclass(frozen=True)
class Training:
    """Train a model that the store lacks: the original, or one without a forget set."""

    place: Place
    model_seed: int
    scenario: str | None = None
    """None for the original model."""
    forget_seed: int = 0
    reference: int | None = None
    """The number of a further model without the forget set, which has a seed of its own."""

    @property
    def title(self) -> str:
        """What the progress display calls it."""
        if self.scenario is None and self.place.checkpoint is not None:
            return f"listen to the checkpoint on {self.place.corpus}"
        if self.scenario is None:
            return f"train {self.place.corpus} (model {self.model_seed})"
        number = "" if self.reference is None else f", reference {self.reference}"
        return (
            f"train {self.place.corpus} without {self.scenario} "
            f"(model {self.model_seed}, forget {self.forget_seed}{number})"
        )

    @property
    def seed(self) -> int:
        """What it is trained with."""
        if self.reference is None:
            return self.model_seed
        return reference_seed(self.model_seed, self.reference)

    def utterances(self) -> list[int]:
        """Positions of the utterances to train on."""
        if self.scenario is None:
            return self.place.setup().split.train
        return self.place.request(self.scenario, self.model_seed, self.forget_seed).sets["retain"]

    def identity(self) -> dict[str, Any]:
        """What the store knows the model by."""
        return self.place.setup().model_identity(self.utterances(), self.seed)

    def is_done(self) -> bool:
        """Whether the store has the model."""
        if self.scenario is None:
            return self.place.setup().has_original(self.model_seed)
        return self.place.setup().is_trained(self.utterances(), self.seed)

    def execute(self) -> None:
        """Train the model and store it, unless it is there."""
        with worker():
            if self.scenario is None:
                self.place.setup().original(self.model_seed)
            else:
                self.place.setup().trained(self.utterances(), self.seed)


def awaited(requests: Iterable[tuple[Place, int, str, int]]) -> list[Training]:
    """The originals that the store lacks, and without which forget sets cannot be drawn.

    Args:
        requests: place, model seed, scenario and forget seed of each; the same may come again.
    """
    originals = dict.fromkeys(
        Training(place, model)
        for place, model, scenario, forget in dict.fromkeys(requests)
        if not place.setup().can_draw(scenario, forget, model)
    )
    return list(originals)


@dataclass(frozen=True)
class ShadowTraining:
    """Train a shadow model that the store lacks."""

    place: Place
    number: int

    @property
    def title(self) -> str:
        """What the progress display calls it."""
        return f"train shadow model {self.number} of {self.place.corpus}"

    def identity(self) -> dict[str, Any]:
        """What the store knows the model by."""
        shadow = Shadow(self.place.setup(), self.number)
        return shadow.setup.model_identity(shadow.places, shadow.seed)

    def is_done(self) -> bool:
        """Whether the store has the model."""
        shadow = Shadow(self.place.setup(), self.number)
        return self.place.setup().is_trained(shadow.places, shadow.seed)

    def execute(self) -> None:
        """Train the model and store it, unless it is there."""
        with worker():
            Shadow(self.place.setup(), self.number).train()
