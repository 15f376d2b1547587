"""Membership inference: can an attacker tell the forget set from utterances never trained on?"""

from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import SIGHTS, Evidence, Outputs, Shadows, View
from ser_unlearn.evaluation.membership.family import (
    ATTACKS,
    Result,
    areas,
    audit,
    dearest,
    measure,
)
from ser_unlearn.evaluation.membership.loss import loss_attack, threshold_free
from ser_unlearn.evaluation.membership.matching import match
from ser_unlearn.evaluation.membership.roc import Interval
from ser_unlearn.evaluation.membership.svc import efficacy
from ser_unlearn.evaluation.membership.telling import shift, told

__all__ = [
    "ATTACKS",
    "SIGHTS",
    "Attack",
    "Evidence",
    "Interval",
    "Outputs",
    "Result",
    "Shadows",
    "View",
    "areas",
    "audit",
    "dearest",
    "efficacy",
    "loss_attack",
    "match",
    "measure",
    "shift",
    "threshold_free",
    "told",
]
