"""U-LiRA: does a model look as if it had unlearned the utterance, or as if it never heard it?"""

from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn.evaluation.membership import gaussians, signals
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import View
from ser_unlearn.evaluation.membership.signals import Scores


@dataclass(frozen=True)
class ULiRA(Attack):
    """Likelihood ratio of the scaled logit after unlearning and without ever training.

    log N(s; trained with it, then unlearned by the audited method) - log N(s; trained without it).
    It learns for each utterance what the method leaves of it, on whichever side, and so also finds
    a method that makes a model worse at the forget set than one that never heard it.

    The original model is no ceiling to it, for it looks like neither: of a method that flips the
    forget set's classes, say, it finds a fitted utterance the less likely to be unlearned. The
    ceiling is what it finds of the original model where the method does nothing, that is, where
    the unlearned shadow models are the shadow models; it is then LiRA online.
    """

    reference = "Hayes et al. 2024, arXiv:2403.01218"
    price = "strong"
    stage = "attacks.ulira"
    sees = frozenset({"shadows", "unlearned_shadows"})

    name = "ulira"

    def scores(self, view: View) -> Scores:
        """The log of the likelihood ratio, [N]."""
        target, shadows, unlearned = view.target, view.shadows, view.unlearned_shadows
        found, never, after = (
            signals.scaled_logit(logits, target.labels)
            for logits in (target.logits, shadows.logits, unlearned.logits)
        )
        return gaussians.fit(after, unlearned.mask).log_density(found) - gaussians.fit(
            never, ~shadows.mask
        ).log_density(found)
