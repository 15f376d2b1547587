"""The family of attacks, and what each finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ser_unlearn.evaluation.membership import roc
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import Evidence, View
from ser_unlearn.evaluation.membership.interpolation import IAM
from ser_unlearn.evaluation.membership.lira import LiRA
from ser_unlearn.evaluation.membership.loss import Loss
from ser_unlearn.evaluation.membership.margin import Margin
from ser_unlearn.evaluation.membership.rmia import RMIA
from ser_unlearn.evaluation.membership.roc import Interval
from ser_unlearn.evaluation.membership.signals import Scores
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
    Margin(),
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


@dataclass(frozen=True)
class Result:
    """What one attack found of one model."""

    attack: str
    price: Price
    auc: Interval
    tpr: Interval
    """At a false-positive rate of at most 1 %."""


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
    found = _scores(attack, evidence)
    of_members, of_nonmembers = found[:members], found[members:]
    return Result(
        attack.name,
        attack.price,
        roc.auc(of_members, of_nonmembers, seed, confidence),
        roc.tpr(of_members, of_nonmembers, seed, confidence),
    )


def scores(evidence: Evidence, attacks: Sequence[Attack]) -> dict[str, Scores]:
    """What every attack for which the evidence is there scores the audited utterances, [N].

    Raises:
        ValueError: A score is not a number.
    """
    return {
        attack.name: _scores(attack, evidence) for attack in attacks if evidence.holds(attack.sees)
    }


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


def _scores(attack: Attack, evidence: Evidence) -> Scores:
    found = attack.scores(View(evidence, attack.name, attack.sees))
    if not np.isfinite(found).all():
        raise ValueError(f"The attack '{attack.name}' gave scores that are not finite.")
    return found
