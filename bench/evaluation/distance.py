"""How far a model is from retraining, in units of how far retraining is from itself.

One retrained model says little of what retraining gives: with another seed it answers otherwise.
So a model is compared with several, the references, and its divergence from them is divided by
that of a reference from the others. A further retrained model is at 1 in the mean, for any number
of references.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.evaluation.metrics import jensen_shannon
from ser_unlearn.recogniser.outputs import Logits

STAGE = "metrics.distance"
"""The family of metrics, and the stage whose revision they have."""

SETS = ("forget", "retain", "test")
"""Where divergence is measured."""

JOINED = ("forget", "test")
"""What the distance joins: that it was forgotten, and that nothing else was lost. On the retain set
references agree so well that models which do no harm are many times as far from them."""

FEWEST = 2
"""References; of one nobody knows how far it is from others."""


class Retraining:
    """What retraining answers, and how far that is from itself.

    Args:
        references: the outputs of K models retrained with seeds of their own, each [N, C].
        sets: the positions of the utterances in the sets of `SETS`.
        original: the outputs of the original model, [N, C].
    """

    def __init__(
        self, references: Sequence[Logits], sets: Mapping[str, Sequence[int]], original: Logits
    ) -> None:
        self._probabilities = np.stack([_probabilities(each) for each in references])
        self._original = _probabilities(original)
        self._sets = {name: list(sets[name]) for name in SETS}

    def metrics(self, logits: Logits) -> dict[str, float | None]:
        """The distance of a model with the outputs [N, C], and its divergences in nats.

        They are those from the references on each set, and from the original on the joined sets
        together. None is the distance where the references agree to the last digit.
        """
        outputs = _probabilities(logits)
        found = self._divergences(outputs, self._probabilities, SETS)
        joined_places = [place for name in JOINED for place in self._sets[name]]
        changed = jensen_shannon(outputs[joined_places], self._original[joined_places])
        ratios = [found[name] / self.spread[name] for name in JOINED if self.spread[name] > 0]
        # Of ratios the geometric mean: twice as far and half as far are as far as retraining.
        joined = float(np.prod(ratios) ** (1 / len(JOINED)))
        return {
            "distance": joined if len(ratios) == len(JOINED) else None,
            **{f"divergence_{name}": value for name, value in found.items()},
            "divergence_original": float(changed.mean()),
        }

    @cached_property
    def spread(self) -> dict[str, float]:
        """What divergence a further retrained model is expected to have on joined sets, in nats.

        It is that of each reference from the others, left out one at a time. These are one fewer
        than a model is compared with, and their mean so much less certain: of a squared distance
        with variance v, (1 + 1 / (K - 1)) v is measured, and (1 + 1 / K) v wanted.
        """
        count = len(self._probabilities)
        found = [
            self._divergences(each, np.delete(self._probabilities, place, axis=0), JOINED)
            for place, each in enumerate(self._probabilities)
        ]
        correction = (count**2 - 1) / count**2
        return {
            name: correction * float(np.mean([each[name] for each in found])) for name in JOINED
        }

    def _divergences(
        self,
        model: NDArray[np.float64],
        references: NDArray[np.float64],
        names: Sequence[str],
    ) -> dict[str, float]:
        """Mean over each named set of the divergence from the mean output of some references."""
        return {
            name: float(jensen_shannon(model[places], references[:, places].mean(axis=0)).mean())
            for name in names
            for places in [self._sets[name]]
        }


def divergence(model: Logits, other: Logits) -> float:
    """The mean Jensen-Shannon divergence of two models' outputs [N, C], in nats."""
    return float(jensen_shannon(_probabilities(model), _probabilities(other)).mean())


def _probabilities(logits: Logits) -> NDArray[np.float64]:
    from scipy.special import softmax

    found: NDArray[np.float64] = softmax(logits.astype(np.float64), axis=1)
    return found
