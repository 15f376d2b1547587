"""IAM: how far is the model on the way from never having heard the utterance to fitting it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_unlearn.evaluation.membership import signals
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import View
from ser_unlearn.evaluation.membership.signals import Scores

EULER = 0.5772156649015329


@dataclass(frozen=True)
class IAM(Attack):
    """Where the model stands between shadow models without the utterance and the original model.

    The signal of an utterance is -log(0.01 - log(0.00001 + p)) of its label's probability p. On
    the way from a shadow model's signal (step 0: generalisation) to the original model's (step 1:
    fitting), the signals at every step are taken for a Gumbel distribution, whose mean is the mean
    over shadow models and whose standard deviation is that over all shadow models and utterances.
    The score is the mean over steps, weighted by how far along each is, of the probability that a
    signal of that step lies below the audited model's: 0 as if never heard, 1 fitted. One shadow
    model is enough.

    It sees what the original model says, and that tells members from non-members by itself: of a
    retrained model it finds *less* fitting where the original fitted more, and its area under the
    ROC curve is then below one half. It measures how complete unlearning is; compare it with what
    it finds of the retrained model, not with one half.

    This is the online version. What the paper leaves open is taken from its published code: the
    two constants of the signal, the standard deviation (which holds what utterances differ by),
    and the weights (a step counts with the position of the next). The code also maps the signal to
    0..1, which changes nothing, since the score does not depend on the signal's origin or unit.

    Attributes:
        steps: positions between the two ends, both included.
    """

    reference = "Wang et al. 2025, arXiv:2506.06112"
    price = "standard"
    stage = "attacks.iam"
    sees = frozenset({"original", "shadows"})

    name = "iam"

    steps: int = 100

    def scores(self, view: View) -> Scores:
        """How far the audited model fits each utterance, [N], in 0..1."""
        labels, shadows = view.target.labels, view.shadows
        found, fitting, over_models = (
            _signal(logits, labels)
            for logits in (view.target.logits, view.original, shadows.logits)
        )
        never = ~shadows.mask
        count = never.sum(axis=0)
        if not count.all():
            raise ValueError("Every utterance needs a shadow model that was trained without it.")
        general = np.where(never, over_models, 0).sum(axis=0) / count
        way = np.linspace(0, 1, self.steps)
        here, weights = way[:-1, None], way[1:]
        mean = general + (fitting - general) * here  # [steps - 1, N]
        ends = np.stack([over_models[never], np.broadcast_to(fitting, never.shape)[never]])
        shares = np.concatenate([1 - here, here], axis=1)
        variance = ((shares @ np.cov(ends, bias=True)) * shares).sum(axis=1, keepdims=True)
        scale = np.maximum(np.sqrt(6 * np.maximum(variance, 0)) / np.pi, 1e-12)
        standard = (found - mean) / scale + EULER
        below = np.exp(-np.exp(np.minimum(-standard, 700)))  # beyond, exp would overflow
        score: Scores = weights @ below / weights.sum()
        return score


def _signal(logits: signals.Logits, labels: signals.Labels) -> Scores:
    return -np.log(0.01 - np.log(0.00001 + signals.confidence(logits, labels)))
