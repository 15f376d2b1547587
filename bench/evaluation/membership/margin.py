"""The margin: how far from the decision boundary a model puts an utterance."""

from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn.evaluation.membership import signals
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import View
from ser_unlearn.evaluation.membership.signals import Scores


@dataclass(frozen=True)
class Margin(Attack):
    """A wide gap between the two largest logits speaks for membership, whatever the label.

    A forget set that was pushed to the decision boundary has narrow gaps on either side of it, and
    one that was given other classes with confidence has wide ones, also where its loss is that of
    unheard utterances. The gap of logits is the log of the ratio of the two probabilities. Unlike
    their difference it does not round off where a model is sure, and is 0 on the boundary alone,
    not also where all classes are equally likely; that, the entropy sees.

    The authors search for the distance in the input; the gap says as much to one who sees logits.
    """

    reference = "Choquette-Choo et al. 2021, arXiv:2007.14321"
    price = "simple"
    stage = "attacks.margin"
    sees = frozenset()

    name = "margin"

    def scores(self, view: View) -> Scores:
        """The gap of the two largest logits, [N], at least 0."""
        return signals.margin(view.target.logits)
