"""LiRA: is a model's confidence more like that of models trained with the utterance, or without?"""

from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn.evaluation.membership import gaussians, signals
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import View
from ser_unlearn.evaluation.membership.signals import Scores


@dataclass(frozen=True)
class LiRA(Attack):
    """Likelihood ratio of the scaled logit under shadow models with and without the utterance.

    Online: log N(s; in) - log N(s; out), algorithm 1. Offline, only models without the utterance
    are looked at: the score is the probability that one of them is less confident, 1 - P(S > s),
    of which minus the log of P(S > s) keeps the order without rounding to 1.

    Attributes:
        online: whether the attacker could train shadow models with the audited utterances.
    """

    reference = "Carlini et al. 2022, arXiv:2112.03570"
    price = "standard"
    stage = "attacks.lira"
    sees = frozenset({"shadows"})

    online: bool

    @property
    def name(self) -> str:
        """Which of the two it is."""
        return "lira-online" if self.online else "lira-offline"

    def scores(self, view: View) -> Scores:
        """The log of the likelihood ratio, or of the tail probability, [N]."""
        target, shadows = view.target, view.shadows
        found = signals.scaled_logit(target.logits, target.labels)
        over_models = signals.scaled_logit(shadows.logits, target.labels)
        without = gaussians.fit(over_models, ~shadows.mask)
        if not self.online:
            return without.surprise(found)
        return gaussians.fit(over_models, shadows.mask).log_density(found) - without.log_density(
            found
        )
