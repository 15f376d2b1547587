"""One normal distribution an utterance, fitted to what shadow models say of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.evaluation.membership.signals import Scores

ENOUGH = 32
"""Models of a kind, on average, from which an utterance gets a variance of its own: half of the 64
shadow models from which Carlini et al. 2022 do so, each trained with half of the utterances."""

SMALLEST_DEVIATION = 1e-6
"""Nats: what rounding leaves of a logit of about 10 in single precision."""


@dataclass(frozen=True)
class Gaussians:
    """Mean and standard deviation for each utterance, [N]."""

    mean: Scores
    deviation: Scores

    def log_density(self, values: Scores) -> Scores:
        """Log of the density at one value an utterance, [N]."""
        standard = (values - self.mean) / self.deviation
        density: Scores = -0.5 * (standard**2 + np.log(2 * np.pi)) - np.log(self.deviation)
        return density

    def surprise(self, values: Scores) -> Scores:
        """Minus the log of the probability of a value at least as high, [N]."""
        from scipy.special import log_ndtr

        tail: Scores = -log_ndtr((self.mean - values) / self.deviation)
        return tail


def fit(values: Scores, mask: NDArray[np.bool_]) -> Gaussians:
    """Fit a normal distribution to each utterance's values.

    With few models, all utterances share one variance, as Carlini et al. 2022, arXiv:2112.03570,
    advise: here the mean squared distance to each utterance's own mean, without what the means
    differ by (their published code takes the variance over all values).

    Args:
        values: [K, N], of K models and N utterances.
        mask: [K, N], which of them count.

    Raises:
        ValueError: An utterance has no value, or no utterance has two.
    """
    count = mask.sum(axis=0)
    if count.min() < 1 or count.max() < 2:
        raise ValueError(
            "Every utterance needs a shadow model of each kind, and some need two; "
            f"there are {count.min()} to {count.max()} of one kind."
        )
    mean = np.where(mask, values, 0).sum(axis=0) / count
    squares = np.where(mask, (values - mean) ** 2, 0).sum(axis=0)
    if count.mean() >= ENOUGH and count.min() >= 2:
        variance = squares / (count - 1)
    else:
        variance = np.full_like(squares, squares.sum() / (count - 1).sum())
    return Gaussians(mean, np.maximum(np.sqrt(variance), SMALLEST_DEVIATION))
