"""Jobs that train models which the store lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ser_unlearn.evaluation.shadows import Shadow
from ser_unlearn.recogniser.setup import MODELS
from ser_unlearn.runner.places import Place, worker
from ser_unlearn.unlearning.request import Request


@dataclass(frozen=True)
class Training:
    """Train a model that the store lacks: the original, or one without a forget set."""

    place: Place
    model_seed: int
    scenario: str | None = None
    """None for the original model."""
    forget_seed: int = 0

    @property
    def title(self) -> str:
        """What the progress display calls it."""
        if self.scenario is None:
            return f"train {self.place.corpus} (model {self.model_seed})"
        return (
            f"train {self.place.corpus} without {self.scenario} "
            f"(model {self.model_seed}, forget {self.forget_seed})"
        )

    def utterances(self) -> list[int]:
        """Positions of the utterances to train on."""
        if self.scenario is None:
            return self.place.setup().split.train
        return self.place.request(self.scenario, self.model_seed, self.forget_seed).sets["retain"]

    def identity(self) -> dict[str, Any]:
        """What the store knows the model by."""
        return self.place.setup().model_identity(self.utterances(), self.model_seed)

    def is_done(self) -> bool:
        """Whether the store has the model."""
        return self.place.setup().is_trained(self.utterances(), self.model_seed)

    def execute(self) -> None:
        """Train the model and store it, unless it is there."""
        with worker():
            self.place.setup().trained(self.utterances(), self.model_seed)


@dataclass(frozen=True)
class ReferenceTraining:
    """Train a reference that the store lacks: one more model without a forget set."""

    place: Place
    model_seed: int
    scenario: str
    forget_seed: int
    number: int

    @property
    def title(self) -> str:
        """What the progress display calls it."""
        return (
            f"train {self.place.corpus} without {self.scenario} "
            f"(model {self.model_seed}, forget {self.forget_seed}, reference {self.number})"
        )

    @property
    def _request(self) -> Request:
        return self.place.request(self.scenario, self.model_seed, self.forget_seed)

    def identity(self) -> dict[str, Any]:
        """What the store knows the model by."""
        request = self._request
        return request.setup.model_identity(
            request.sets["retain"], request.reference_seed(self.number)
        )

    def is_done(self) -> bool:
        """Whether the store has the model."""
        return self.place.setup().store.has(MODELS, self.identity())

    def execute(self) -> None:
        """Train the model and store it, unless it is there."""
        with worker():
            request = self._request
            request.setup.trained(request.sets["retain"], request.reference_seed(self.number))


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
