"""Support vector machines on what the audited model says of known members and non-members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ser_unlearn.evaluation.membership import signals
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import Outputs, View
from ser_unlearn.evaluation.membership.signals import Scores

Feature = Literal["correctness", "confidence", "entropy", "modified-entropy", "probability"]


@dataclass(frozen=True)
class SVC(Attack):
    """A support vector machine (C = 3, RBF kernel, gamma "auto") on one feature of the outputs.

    It is trained on the retain set (members) against the population (non-members), the larger cut
    to the size of the smaller at random. The features are those of Jia et al. 2023,
    arXiv:2304.04934, and Fan et al. 2024, arXiv:2310.12508; the modified entropy is that of Song
    and Mittal 2021, arXiv:2003.10595. As published, the attack calls the forget set member or
    non-member, and the share called non-member is its "efficacy"; here its decision function is
    the score.

    Attributes:
        feature: whether the model is right; the probability of the label; the entropy; the
            entropy that knows the label; or all classes' probabilities.
        seed: draws the balanced sample.
    """

    reference = "Jia et al. 2023, arXiv:2304.04934"
    price = "simple"
    stage = "attacks.svc"
    sees = frozenset({"population", "retain"})

    feature: Feature
    seed: int = 0

    @property
    def name(self) -> str:
        """The feature, after the machine."""
        return f"svc-{self.feature}"

    def scores(self, view: View) -> Scores:
        """The decision function, [N]: above 0 a member, below 0 a non-member."""
        retain, population, target = (
            _features(outputs, self.feature)
            for outputs in (view.retain, view.population, view.target)
        )
        found: Scores = _trained(retain, population, self.seed).decision_function(target)
        return found


def efficacy(forget: Scores, retain: Scores, heldout: Scores, seed: int) -> float:
    """Share of the forget set that an SVC calls non-member.

    The SVC (C = 3, RBF kernel, gamma "auto") sees each utterance's probability of its own label,
    and is trained on the retain set (members) against the held-out set (non-members), the larger
    cut to the size of the smaller at random. Jia et al. 2023, arXiv:2304.04934, "MIA-Efficacy".

    Args:
        forget: confidences of the forget set in 0..1, [M].
        retain: of the retain set.
        heldout: of the held-out set.
        seed: draws the balanced sample.
    """
    attack = _trained(retain[:, None], heldout[:, None], seed)
    return float((attack.predict(forget[:, None]) == 0).mean())


def _trained(members: Scores, nonmembers: Scores, seed: int) -> Any:
    """An SVC that tells members [M, D] (1) from non-members [N, D] (0), as many of each."""
    from sklearn.svm import SVC as Machine  # noqa: N811

    count = min(len(members), len(nonmembers))
    random = np.random.default_rng(seed)
    chosen = [
        features[random.permutation(len(features))[:count]] for features in (members, nonmembers)
    ]
    return Machine(C=3, kernel="rbf", gamma="auto").fit(
        np.concatenate(chosen), np.repeat([1, 0], count)
    )


def _features(outputs: Outputs, feature: Feature) -> Scores:
    """[N, 1], or [N, C] of the whole probability vector."""
    logits, labels = outputs.logits, outputs.labels
    if feature == "probability":
        return signals.probabilities(logits)
    if feature == "entropy":
        return signals.entropy(logits)[:, None]
    of_label = {
        "correctness": signals.correctness,
        "confidence": signals.confidence,
        "modified-entropy": signals.modified_entropy,
    }
    return of_label[feature](logits, labels)[:, None]
