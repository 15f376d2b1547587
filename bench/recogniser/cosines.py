"""A classifier by cosines whose outputs are logits."""

from __future__ import annotations

from typing import Self, cast

from speechbrain.lobes.models.ECAPA_TDNN import Classifier
from torch import Tensor, nn


class ScaledCosines(Classifier):  # type: ignore[misc]
    """SpeechBrain's classifier, its cosines in -1..1 times a scale: logits without a margin.

    Its weights have the names that they have in SpeechBrain's.
    """

    scale: float

    @classmethod
    def of(cls, classifier: Classifier, scale: float) -> Self:
        """Take over the weights of a classifier, which is not to be used any more."""
        made = cls.__new__(cls)
        made.__dict__.update(classifier.__dict__)
        made.scale = scale
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, 1, C] of embeddings [B, 1, E]."""
        return cast("Tensor", self.scale * super().forward(x))

    def reset_parameters(self) -> None:
        """Draw the weights anew, as SpeechBrain draws them."""
        nn.init.xavier_uniform_(self.weight)
