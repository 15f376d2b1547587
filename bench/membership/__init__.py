"""Membership inference: can an attacker tell the forget set from utterances never trained on?"""

from bench.membership.attack import Attack
from bench.membership.evidence import SIGHTS, Evidence, Outputs, Shadows, View
from bench.membership.family import (
    ATTACKS,
    Finding,
    Result,
    Strongest,
    Verdict,
    audit,
    dearest,
    measure,
    strongest,
    verdict,
)
from bench.membership.loss import loss_attack, threshold_free
from bench.membership.matching import match
from bench.membership.roc import Interval
from bench.membership.svc import efficacy

__all__ = [
    "ATTACKS",
    "SIGHTS",
    "Attack",
    "Evidence",
    "Finding",
    "Interval",
    "Outputs",
    "Result",
    "Shadows",
    "Strongest",
    "Verdict",
    "View",
    "audit",
    "dearest",
    "efficacy",
    "loss_attack",
    "match",
    "measure",
    "strongest",
    "threshold_free",
    "verdict",
]
