"""Membership inference: can an attacker tell the forget set from utterances never trained on?"""

from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import SIGHTS, Evidence, Outputs, Shadows, View
from ser_unlearn.evaluation.membership.family import (
    ATTACKS,
    Result,
    audit,
    dearest,
    measure,
    scores,
)
from ser_unlearn.evaluation.membership.loss import loss_attack, threshold_free
from ser_unlearn.evaluation.membership.matching import match
from ser_unlearn.evaluation.membership.roc import Interval
from ser_unlearn.evaluation.membership.svc import efficacy
from ser_unlearn.evaluation.membership.telling import References, shift

__all__ = [
    "ATTACKS",
    "SIGHTS",
    "Attack",
    "Evidence",
    "Interval",
    "Outputs",
    "References",
    "Result",
    "Shadows",
    "View",
    "audit",
    "dearest",
    "efficacy",
    "loss_attack",
    "match",
    "measure",
    "scores",
    "shift",
    "threshold_free",
]
