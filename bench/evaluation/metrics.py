"""The metrics, one function each; what they mean stands in `results.meanings`.

Logits are [N, C] arrays, labels [N] arrays of class numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ser_unlearn.results.meanings import METRICS as METRICS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]
    Labels = NDArray[np.int64]


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
    """Mean absolute difference over forget, retain and test accuracy and an AUC, in points.

    After the average gap of Jia et al. 2023, arXiv:2304.04934.

    Args:
        unlearned: values in 0..1 under the keys forget, retain, test and mia, the AUC of the
            attack by the loss.
        retrained: the mean of retrained models.
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


def jensen_shannon(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Jensen-Shannon divergence of each pair of distributions [N, C], in nats: [N].

    0 where they agree, ln 2 at most.
    """
    import numpy as np
    from scipy.special import rel_entr

    middle = (p + q) / 2
    divergence: NDArray[np.float64] = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2
    # Of distributions that are all but equal, rounding leaves less than nothing.
    return np.maximum(divergence, 0)
