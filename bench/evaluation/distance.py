"""How far a model is from retraining, in units of how far retraining is from itself.

One retrained model says little of what retraining gives: with another seed it answers otherwise.
So a model is compared with several, the references, and its divergence from them is divided by
that of a reference from the others. A further retrained model is at 1 in the mean, for any number
of references.

The mean output of several models is less sure than each of them, and so nearer to whatever is less
sure, a softened original too. So a model is as sure as the references before it is compared: its
logits are divided by the temperature at which the mean entropy of its outputs on the test set is
theirs. Whoever is sure of other utterances than retrained models are is as far as before.
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

SURENESS = "test"
"""The set on which a model is made as sure as the references: no recording of it was trained on."""

HALVINGS = 40
"""Of the range of the temperature, which is from 1 / 64 to 64: to ten digits."""

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
        self._references = references
        self._probabilities = np.stack([_probabilities(each) for each in references])
        self._original = _probabilities(original)
        self._sets = {name: list(sets[name]) for name in SETS}

    def metrics(self, logits: Logits) -> dict[str, float | None]:
        """The distance of a model with the outputs [N, C], and its divergences in nats.

        The divergences are those of the outputs as they are from the references on each set, and
        from the original on the joined sets together. None is the distance where the references
        agree to the last digit.
        """
        outputs = _probabilities(logits)
        found = self._divergences(outputs, self._probabilities, SETS)
        joined_places = [place for name in JOINED for place in self._sets[name]]
        changed = jensen_shannon(outputs[joined_places], self._original[joined_places])
        ratios = list(self.ratios(logits).values())
        # Of ratios the geometric mean: twice as far and half as far are as far as retraining.
        joined = float(np.prod(ratios) ** (1 / len(JOINED)))
        return {
            "distance": joined if len(ratios) == len(JOINED) else None,
            **{f"divergence_{name}": value for name, value in found.items()},
            "divergence_original": float(changed.mean()),
        }

    def ratios(self, logits: Logits) -> dict[str, float]:
        """On each joined set, how many times as far a model is as a further retrained one.

        It is made as sure as the references first. A set on which these agree to the last digit is
        left out.
        """
        found = self._divergences(
            self._as_sure(logits, self._probabilities), self._probabilities, JOINED
        )
        return {
            name: value / self.spread[name] for name, value in found.items() if self.spread[name]
        }

    @cached_property
    def spread(self) -> dict[str, float]:
        """What divergence a further retrained model is expected to have on joined sets, in nats.

        It is that of each reference from the others, left out one at a time. These are one fewer
        than a model is compared with, and their mean so much less certain: of a squared distance
        with variance v, (1 + 1 / (K - 1)) v is measured, and (1 + 1 / K) v wanted.
        """
        count = len(self._probabilities)
        found = []
        for place, each in enumerate(self._references):
            others = np.delete(self._probabilities, place, axis=0)
            found.append(self._divergences(self._as_sure(each, others), others, JOINED))
        correction = (count**2 - 1) / count**2
        return {
            name: correction * float(np.mean([each[name] for each in found])) for name in JOINED
        }

    def _as_sure(self, logits: Logits, others: NDArray[np.float64]) -> NDArray[np.float64]:
        """The outputs [N, C] of a model, softened or sharpened until it is as sure as some others.

        The mean entropy grows with the temperature. Where no temperature gives that of the others,
        as for a model that says the same of all, the nearest end of the range does.
        """
        places = self._sets[SURENESS]
        wanted = float(np.mean([_entropy(each[places]) for each in others]))
        low, high = -6.0, 6.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if _entropy(_probabilities(logits[places], 2**middle)) < wanted:
                low = middle
            else:
                high = middle
        return _probabilities(logits, 2**high)

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


def _probabilities(logits: Logits, temperature: float = 1.0) -> NDArray[np.float64]:
    from scipy.special import softmax

    found: NDArray[np.float64] = softmax(logits.astype(np.float64) / temperature, axis=1)
    return found


def _entropy(probabilities: NDArray[np.float64]) -> float:
    """The mean entropy of outputs [N, C], in nats."""
    from scipy.special import entr

    return float(entr(probabilities).sum(axis=1).mean())
