"""The loss: what the cheapest attacker looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_unlearn.evaluation.membership import signals
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import View
from ser_unlearn.evaluation.membership.signals import Scores


@dataclass(frozen=True)
class Loss(Attack):
    """A low loss speaks for membership.

    The score is minus the cross-entropy. The logistic regression of `loss_attack` turns it into a
    probability without changing the order, and so has the same ROC curve; but it may also learn
    that members have the higher loss, which a score with one direction cannot.
    """

    reference = "Yeom et al. 2018, arXiv:1709.01604"
    price = "simple"
    stage = "attacks.loss"
    sees = frozenset()

    name = "loss"

    def scores(self, view: View) -> Scores:
        """Minus the cross-entropy in nats, [N]."""
        return -signals.loss(view.target.logits, view.target.labels)


def loss_attack(members: Scores, nonmembers: Scores, seed: int) -> float:
    """Accuracy of a logistic regression that tells members from their loss.

    The larger set is cut to the size of the smaller at random; the accuracy is the mean over ten
    stratified shuffle splits, each testing on a tenth. After Kurmanji et al. 2023,
    arXiv:2302.09880, and the NeurIPS 2023 unlearning challenge.

    Args:
        members: cross-entropies of the forget set in nats, [M].
        nonmembers: cross-entropies of the held-out set, [N].
        seed: draws the balanced sample and the splits.

    Returns:
        Accuracy in 0..1; 0.5 says that the attacker knows nothing. With fewer than two utterances
        on a side there is nothing to learn from: 0.5.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

    count = min(len(members), len(nonmembers))
    if count < 2:
        return 0.5
    random = np.random.default_rng(seed)
    chosen = [random.permutation(scores)[:count] for scores in (members, nonmembers)]
    losses = np.concatenate(chosen)[:, None]
    is_member = np.repeat([1, 0], count)
    # As many of each kind in every test, and so in every training part: with an odd number, an
    # attacker who only counts the training part would be wrong more often than right.
    test_size = 2 * max(1, round(0.1 * count))
    splits = StratifiedShuffleSplit(n_splits=10, test_size=test_size, random_state=seed)
    return float(cross_val_score(LogisticRegression(), losses, is_member, cv=splits).mean())


def threshold_free(members: Scores, nonmembers: Scores) -> tuple[float, float]:
    """The loss as a score, over all thresholds: a low loss speaks for membership.

    Args:
        members: cross-entropies of the forget set in nats, [M].
        nonmembers: cross-entropies of the held-out set, [N].

    Returns:
        The area under the ROC curve, and the largest true-positive rate at a false-positive rate
        of at most 1 %.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    scores = -np.concatenate([members, nonmembers])
    is_member = np.repeat([1, 0], [len(members), len(nonmembers)])
    false_positive, true_positive, _ = roc_curve(is_member, scores, drop_intermediate=False)
    return (
        float(roc_auc_score(is_member, scores)),
        float(true_positive[false_positive <= 0.01].max()),
    )
