"""The family of attacks: what each finds, which finds most, and what that says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ser_unlearn.evaluation.membership import roc
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import Evidence, View
from ser_unlearn.evaluation.membership.interpolation import IAM
from ser_unlearn.evaluation.membership.lira import LiRA
from ser_unlearn.evaluation.membership.loss import Loss
from ser_unlearn.evaluation.membership.rmia import RMIA
from ser_unlearn.evaluation.membership.roc import Interval
from ser_unlearn.evaluation.membership.svc import SVC
from ser_unlearn.evaluation.membership.ulira import ULiRA
from ser_unlearn.evaluation.prices import PRICES, Price

ATTACKS: tuple[Attack, ...] = (
    Loss(),
    SVC("correctness"),
    SVC("confidence"),
    SVC("entropy"),
    SVC("modified-entropy"),
    SVC("probability"),
    LiRA(online=False),
    LiRA(online=True),
    RMIA(online=False),
    RMIA(online=True),
    IAM(),
    ULiRA(),
)
"""Every attack, with the parameters of its paper."""


def dearest(names: Iterable[str]) -> Price:
    """The price of the dearest of some attacks; of none, the lowest price."""
    chosen = set(names)
    prices = {attack.price for attack in ATTACKS if attack.name in chosen}
    return max(prices, key=list(PRICES).index, default="simple")


Verdict = Literal["cannot tell", "like retrained", "unlike retrained"]


@dataclass(frozen=True)
class Result:
    """What one attack found of one model."""

    attack: str
    price: Price
    auc: Interval
    tpr: Interval
    """At a false-positive rate of at most 1 %."""


@dataclass(frozen=True)
class Finding:
    """A number, and the attack that it is of."""

    attack: str
    interval: Interval


@dataclass(frozen=True)
class Strongest:
    """The most that any attack found; the two numbers may be of different attacks."""

    auc: Finding
    tpr: Finding


def measure(
    attack: Attack, evidence: Evidence, members: int, seed: int, confidence: float = 0.95
) -> Result:
    """Run one attack.

    Args:
        attack: it sees of the evidence what it declares.
        evidence: what the auditor holds.
        members: size of the forget set, which comes first among the audited utterances.
        seed: draws the resamples of the intervals.
        confidence: of the intervals.

    Raises:
        ValueError: A score is not a number.
    """
    scores = attack.scores(View(evidence, attack.name, attack.sees))
    if not np.isfinite(scores).all():
        raise ValueError(f"The attack '{attack.name}' gave scores that are not finite.")
    of_members, of_nonmembers = scores[:members], scores[members:]
    return Result(
        attack.name,
        attack.price,
        roc.auc(of_members, of_nonmembers, seed, confidence),
        roc.tpr(of_members, of_nonmembers, seed, confidence),
    )


def audit(
    evidence: Evidence,
    members: int,
    seed: int,
    attacks: Sequence[Attack] = ATTACKS,
    confidence: float = 0.95,
) -> list[Result]:
    """Run every attack for which the evidence is there; the arguments are those of `measure`."""
    return [
        measure(attack, evidence, members, seed, confidence)
        for attack in attacks
        if evidence.holds(attack.sees)
    ]


def strongest(results: Iterable[Result]) -> Strongest:
    """The largest AUC and the largest true-positive rate, with the attack and its interval.

    The largest of several noisy numbers lies above the truth: of a model that gives nothing away,
    the best of twelve attacks still finds a little. The interval is the named attack's own, as if
    it had been chosen beforehand, and holds the truth less often than its confidence says. Two
    ways around that: compare with the strongest of the same attacks on the retrained model, which
    is raised in the same way; or compute the results with the confidence 1 - 0.05 / attacks: then
    all intervals hold at once in 95 % of cases (Bonferroni), whichever is chosen.
    """
    results = list(results)
    by_auc = max(results, key=lambda result: result.auc.value)
    by_tpr = max(results, key=lambda result: result.tpr.value)
    return Strongest(Finding(by_auc.attack, by_auc.auc), Finding(by_tpr.attack, by_tpr.tpr))


def verdict(unlearned: Interval, original: Interval, retrained: Interval) -> Verdict:
    """Whether an attack tells the unlearned model from the retrained one.

    Intervals that do not overlap differ beyond doubt; intervals that do may yet differ: "like
    retrained" says that no difference was shown, not that there is none.

    Args:
        unlearned: what the attack finds of the unlearned model.
        original: of the original model: the ceiling. For U-LiRA, see there what that is.
        retrained: of the retrained model: the floor.

    Returns:
        "unlike retrained" where the unlearned model's interval does not overlap the retrained
        model's, on whichever side. Otherwise "like retrained", unless floor and ceiling overlap:
        an attack that does not tell the original from the retrained model "cannot tell".
    """
    if not unlearned.overlaps(retrained):
        return "unlike retrained"
    return "cannot tell" if original.overlaps(retrained) else "like retrained"
