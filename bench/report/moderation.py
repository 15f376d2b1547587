"""Variances of few values each, moderated by what many of them have in common.

Smyth 2004, Linear models and empirical Bayes methods for assessing differential expression,
Statistical Applications in Genetics and Molecular Biology 3(1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SAME = 1e-5
"""Below this share of the median, a variance is of two rows that do the same, and says nothing of
others."""


@dataclass(frozen=True)
class Prior:
    """What true variances are like: those of a scaled inverse chi-squared distribution."""

    variance: float
    freedom: float
    """How many degrees of freedom it is worth; infinite where all variances seem to be one."""

    def moderate(self, variance: float, freedom: float) -> float:
        """A variance with its degrees of freedom, shrunk towards the prior's."""
        if math.isinf(self.freedom):
            return self.variance
        weight = self.freedom + freedom
        return (self.freedom * self.variance + freedom * variance) / weight


def fit_prior(variances: Sequence[float], freedoms: Sequence[int]) -> Prior | None:
    """The prior of some variances, by Smyth's moments of their logarithms (section 6.2).

    With e = log(s^2) - digamma(d / 2) + log(d / 2) of each variance s^2 with d degrees of freedom,
    and n of them,

        trigamma(d0 / 2) = mean of (e - mean e)^2 n / (n - 1) - trigamma(d / 2)
        s0^2 = exp(mean e + digamma(d0 / 2) - log(d0 / 2))

    and d0 is infinite where the right side of the first is not positive.

    Args:
        variances: at least 0.
        freedoms: degrees of freedom of each, at least 1.

    Returns:
        None of fewer than two variances of rows that differ.
    """
    # Not scipy.stats: it takes a second to import.
    from scipy.special import digamma, polygamma

    median = sorted(variances)[len(variances) // 2] if variances else 0.0
    known = [
        (variance, freedom)
        for variance, freedom in zip(variances, freedoms, strict=True)
        if variance > SAME * median
    ]
    if len(known) < 2:
        return None
    # Few distinct ones, and many variances.
    halves = {freedom: freedom / 2 for _, freedom in known}
    offsets = {key: math.log(half) - float(digamma(half)) for key, half in halves.items()}
    noise = {key: float(polygamma(1, half)) for key, half in halves.items()}
    logs = [math.log(variance) + offsets[freedom] for variance, freedom in known]
    count = len(logs)
    mean = math.fsum(logs) / count
    spread = math.fsum((each - mean) ** 2 for each in logs) / (count - 1)
    excess = spread - math.fsum(noise[freedom] for _, freedom in known) / count
    if excess <= 0:
        return Prior(math.exp(mean), math.inf)
    half = trigamma_inverse(excess)
    return Prior(math.exp(mean + float(digamma(half)) - math.log(half)), 2 * half)


def trigamma_inverse(value: float) -> float:
    """The y whose trigamma is a positive value, by Newton's method (Smyth 2004, appendix)."""
    from scipy.special import polygamma

    if value > 1e7:
        return 1 / math.sqrt(value)
    if value < 1e-6:
        return 1 / value
    found = 0.5 + 1 / value
    while True:
        trigamma = float(polygamma(1, found))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, found))
        found += step
        if -step / found < 1e-8:
            return found
