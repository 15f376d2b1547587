"""What the numbers in a record mean, and what they can be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

ROUNDING = 1e-6
"""By how much a computed number may lie beyond its bounds."""

WIPED_OUT = 0.92
"""The forgetting rate from which on a forget set counts as wiped out: the goal of Ren et al. 2025,
arXiv:2510.04251."""


@dataclass(frozen=True)
class Metric:
    """What a number in a record means."""

    meaning: str
    better: Literal["higher", "lower", "retrained", "neither"]
    """Which way is better; "retrained": the nearer to the retrained model, the better."""
    least: float | None = None
    most: float | None = None
    """What it cannot be below and above; None where nothing bounds it."""

    def holds(self, value: float) -> bool:
        """Whether a number can be this metric's; rounding is forgiven."""
        return (self.least is None or value >= self.least - ROUNDING) and (
            self.most is None or value <= self.most + ROUNDING
        )


METRICS: dict[str, Metric] = {
    "forgetting_rate": Metric("1 - accuracy on the forget set", "retrained", 0, 1),
    "relative_forgetting": Metric(
        "accuracy on the forget set that unlearning took, over the original's", "retrained", most=1
    ),
    "forget_accuracy": Metric("share of the forget set classified right", "retrained", 0, 1),
    "forgotten_accuracy": Metric(
        "in a sequence, share of what earlier requests took that is classified right",
        "retrained",
        0,
        1,
    ),
    "retain_accuracy": Metric("share of the retain set classified right", "retrained", 0, 1),
    "heldout_accuracy": Metric("share of the held-out set classified right", "higher", 0, 1),
    "test_accuracy": Metric("share of the test set classified right", "higher", 0, 1),
    "test_uar": Metric("unweighted average recall over emotions on the test set", "higher", 0, 1),
    "test_accuracy_drop": Metric(
        "test accuracy of the original minus that of the unlearned model, in points",
        "lower",
        -100,
        100,
    ),
    "mia_accuracy": Metric(
        "logistic regression on the loss, forget against held-out, balanced: accuracy",
        "retrained",
        0,
        1,
    ),
    "mia_auc": Metric(
        "area under the ROC curve of the loss, forget against held-out", "retrained", 0, 1
    ),
    "mia_tpr_at_1fpr": Metric(
        "members found where 1 % of non-members are accused", "retrained", 0, 1
    ),
    "mia_efficacy": Metric(
        "share of the forget set that an SVC on confidence calls non-member", "retrained", 0, 1
    ),
    "attack_shift": Metric(
        "largest difference, over all membership attacks that were run, of an area under the ROC "
        "curve from the mean of retrained models",
        "lower",
        0,
        1,
    ),
    "told_from_retrained": Metric(
        "whether an attack tells the model from retrained ones, on either side: 1 or 0",
        "lower",
        0,
        1,
    ),
    "match_emotion_share": Metric(
        "share of the non-members that have the emotion of the forgotten utterance they match",
        "neither",
        0,
        1,
    ),
    "match_speaker_share": Metric("the same of the speaker", "neither", 0, 1),
    "worst_emotion_drop": Metric(
        "largest loss of accuracy of an emotion's utterances, in test or retain set, in points",
        "lower",
        -100,
        100,
    ),
    "worst_speaker_drop": Metric("the same of a speaker's utterances", "lower", -100, 100),
    "worst_gender_drop": Metric(
        "the same of the utterances of a gender, where the card has genders", "lower", -100, 100
    ),
    "forget_agreement": Metric(
        "share of the forget set that model and retrained models take for the same emotion",
        "higher",
        0,
        1,
    ),
    "test_agreement": Metric("the same of the test set", "higher", 0, 1),
    "quantised_return": Metric(
        "accuracy on the forget set once weights are rounded to int8, minus that before, in points",
        "retrained",
        -100,
        100,
    ),
    "quantised_test_accuracy": Metric("share of the test set that is then right", "higher", 0, 1),
    "pruned_return": Metric(
        "accuracy on the forget set without the smallest 30 % of the weights, minus that with "
        "them, in points",
        "retrained",
        -100,
        100,
    ),
    "pruned_test_accuracy": Metric("share of the test set that is then right", "higher", 0, 1),
    "relearn_steps": Metric(
        "steps of training on the forget set until it is known as well as to the original; 31 if "
        "it never is",
        "retrained",
        least=0,
    ),
    "gap_to_retrain": Metric(
        "mean absolute difference to the mean of retrained models over forget, retain and test "
        "accuracy and mia_auc, in points",
        "lower",
        0,
        100,
    ),
    "tow": Metric(
        "tug of war: product over forget, retain and test of 1 - absolute accuracy difference "
        "to the mean of retrained models",
        "higher",
        0,
        1,
    ),
    "distance": Metric(
        "how many times as far from retrained models a model is as these are from each other, by "
        "its outputs on forget and test set: 1 for one more of them",
        "lower",
        least=0,
    ),
    **{
        f"divergence_{name}": Metric(
            f"mean Jensen-Shannon divergence to the retrained models' mean output on the {name} "
            "set, nats",
            "lower",
            0,
            math.log(2),
        )
        for name in ("forget", "retain", "test")
    },
    "divergence_original": Metric(
        "mean Jensen-Shannon divergence to the original's outputs on forget and test set, nats",
        "retrained",
        0,
        math.log(2),
    ),
    "runtime_s": Metric("seconds of the method alone", "lower", least=0),
    "speedup": Metric("retraining's seconds over the method's", "higher", least=0),
    "flops": Metric("floating-point operations of the method", "lower", least=0),
    "flops_ratio": Metric(
        "the method's floating-point operations over retraining's", "lower", least=0
    ),
    "peak_memory_mb": Metric("memory above what was held before the method started", "lower"),
}
