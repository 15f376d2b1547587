"""The metrics, one function each, and what they mean.

Logits are [N, C] arrays, labels [N] arrays of class numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]
    Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Metric:
    """What a number in a record means."""

    meaning: str
    better: Literal["higher", "lower", "retrained", "neither"]
    """Which way is better; "retrained": the nearer to the retrained model, the better."""


METRICS: dict[str, Metric] = {
    "forgetting_rate": Metric("1 - accuracy on the forget set", "retrained"),
    "relative_forgetting": Metric(
        "accuracy on the forget set that unlearning took, over the original's", "retrained"
    ),
    "forget_accuracy": Metric("share of the forget set classified right", "retrained"),
    "forgotten_accuracy": Metric(
        "in a sequence, share of what earlier requests took that is classified right", "retrained"
    ),
    "retain_accuracy": Metric("share of the retain set classified right", "retrained"),
    "heldout_accuracy": Metric("share of the held-out set classified right", "higher"),
    "test_accuracy": Metric("share of the test set classified right", "higher"),
    "test_uar": Metric("unweighted average recall over emotions on the test set", "higher"),
    "test_accuracy_drop": Metric(
        "test accuracy of the original minus that of the unlearned model, in points", "lower"
    ),
    "mia_accuracy": Metric(
        "logistic regression on the loss, forget against held-out, balanced: accuracy", "retrained"
    ),
    "mia_auc": Metric("area under the ROC curve of the loss, forget against held-out", "retrained"),
    "mia_tpr_at_1fpr": Metric("members found where 1 % of non-members are accused", "retrained"),
    "mia_efficacy": Metric(
        "share of the forget set that an SVC on confidence calls non-member", "retrained"
    ),
    "strongest_auc": Metric(
        "largest area under the ROC curve of all membership attacks that were run", "retrained"
    ),
    "strongest_tpr_at_1fpr": Metric(
        "most members that any of the attacks found where 1 % of non-members are accused",
        "retrained",
    ),
    "told_from_retrained": Metric(
        "whether an attack that tells the original from the retrained model tells the unlearned "
        "one from it too: 1 or 0; none where no attack can tell",
        "lower",
    ),
    "worst_emotion_drop": Metric(
        "largest loss of accuracy of an emotion's utterances, in test or retain set, in points",
        "lower",
    ),
    "worst_speaker_drop": Metric("the same of a speaker's utterances", "lower"),
    "worst_gender_drop": Metric(
        "the same of the utterances of a gender, where the card has genders", "lower"
    ),
    "forget_agreement": Metric(
        "share of the forget set that model and retrained model take for the same emotion", "higher"
    ),
    "test_agreement": Metric("the same of the test set", "higher"),
    "quantised_return": Metric(
        "accuracy on the forget set once weights are rounded to int8, minus that before, in points",
        "retrained",
    ),
    "quantised_test_accuracy": Metric("share of the test set that is then right", "higher"),
    "pruned_return": Metric(
        "accuracy on the forget set without the smallest 30 % of the weights, minus that with "
        "them, in points",
        "retrained",
    ),
    "pruned_test_accuracy": Metric("share of the test set that is then right", "higher"),
    "relearn_steps": Metric(
        "steps of training on the forget set until it is known as well as to the original; 31 if "
        "it never is",
        "retrained",
    ),
    "gap_to_retrain": Metric(
        "mean absolute difference to the retrained model over forget, retain and test accuracy "
        "and mia_accuracy, in points",
        "lower",
    ),
    "tow": Metric(
        "tug of war: product over forget, retain and test of 1 - absolute accuracy difference "
        "to the retrained model",
        "higher",
    ),
    "output_divergence": Metric(
        "mean Jensen-Shannon divergence to the retrained model's outputs on forget and test, nats",
        "lower",
    ),
    "runtime_s": Metric("seconds of the method alone", "lower"),
    "speedup": Metric("retraining's seconds over the method's", "higher"),
    "flops": Metric("floating-point operations of the method", "lower"),
    "flops_ratio": Metric("the method's floating-point operations over retraining's", "lower"),
    "peak_memory_mb": Metric("memory above what was held before the method started", "lower"),
}


def accuracy(logits: Logits, labels: Labels) -> float:
    """Share of utterances whose largest logit is that of their label."""
    return float((logits.argmax(axis=1) == labels).mean())


def unweighted_average_recall(logits: Logits, labels: Labels) -> float:
    """Mean over the emotions that occur of the share of their utterances classified right."""
    import numpy as np

    right = logits.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def relative_forgetting(original: float, unlearned: float) -> float:
    """(A_f original - A_f unlearned) / A_f original.

    Where the original model knew nothing of the forget set there is nothing to take: 0.

    Args:
        original: the original model's accuracy on the forget set, in 0..1.
        unlearned: the unlearned model's.
    """
    return (original - unlearned) / original if original else 0.0


def gap_to_retrain(unlearned: Mapping[str, float], retrained: Mapping[str, float]) -> float:
    """Mean absolute difference over forget, retain and test accuracy and the attack's, in points.

    After the average gap of Jia et al. 2023, arXiv:2304.04934.

    Args:
        unlearned: values in 0..1 under the keys forget, retain, test and mia.
        retrained: the retrained model's.
    """
    keys = ("forget", "retain", "test", "mia")
    return 100 * sum(abs(unlearned[key] - retrained[key]) for key in keys) / len(keys)


def tug_of_war(unlearned: Mapping[str, float], retrained: Mapping[str, float]) -> float:
    """Product over forget, retain and test of 1 - |accuracy - the retrained model's|.

    Zhao et al. 2024, arXiv:2406.01257, equation 2.

    Args:
        unlearned: accuracies in 0..1 under the keys forget, retain and test.
        retrained: the retrained model's.
    """
    product = 1.0
    for key in ("forget", "retain", "test"):
        product *= 1 - abs(unlearned[key] - retrained[key])
    return product


def output_divergence(unlearned: Logits, retrained: Logits) -> float:
    """Mean over utterances of the Jensen-Shannon divergence of the two outputs, in nats.

    0 where they agree, ln 2 at most.
    """
    import numpy as np
    from scipy.special import rel_entr, softmax

    p = softmax(unlearned.astype(np.float64), axis=1)
    q = softmax(retrained.astype(np.float64), axis=1)
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2
    return float(divergence.mean())
