"""How well scores tell members from non-members, over all thresholds, with intervals.

Each interval is the hull of two. A stratified bootstrap (members and non-members drawn anew, each
among themselves; percentiles) sees that the threshold, too, comes from a sample, but is too narrow
for a score that separates well or for few utterances, and has no width where every resample gives
the same. A score interval of a proportion has the opposite virtues. Measured over normally
distributed scores of 16 to 200 members and 64 to 1,000 non-members, the hull held the truth in 93
to 100 % of draws where 95 % were asked for; the bootstrap alone in 44 to 98 %, the interval of a
share alone in 72 to 98 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ser_unlearn.evaluation.membership.signals import Scores

RESAMPLES = 2000
"""The 2.5 % percentile is then the 50th of them: its place is good to a seventh."""


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval in which the truth lies with a given confidence."""

    value: float
    low: float
    high: float


def auc(members: Scores, nonmembers: Scores, seed: int, confidence: float = 0.95) -> Interval:
    """Area under the ROC curve: how often a member scores above a non-member; ties count half.

    The score interval is method 5 of Newcombe 2006, doi:10.1002/sim.2324.

    Args:
        members: [M].
        nonmembers: [N].
        seed: draws the resamples.
        confidence: of the interval.
    """
    above = _above(members, nonmembers)
    value = float(above.mean())
    of_members, of_nonmembers = _resamples(len(members), len(nonmembers), seed)
    resampled = (of_members @ above * of_nonmembers).sum(axis=1) / above.size
    deviation = _normal_quantile(confidence)
    low = _lowest_area(value, above.shape, deviation)
    high = 1 - _lowest_area(1 - value, above.shape, deviation)
    return _hull(value, resampled, confidence, low, high)


def placements(members: Scores, nonmembers: Scores) -> tuple[Scores, Scores]:
    """How each utterance lies among those of the other kind; the mean of either is the area.

    Args:
        members: [M].
        nonmembers: [N].

    Returns:
        The share of the non-members that each member scores above, [M], and the share of the
        members that score above each non-member, [N]; ties count half.
    """
    above = _above(members, nonmembers)
    return above.mean(axis=1), above.mean(axis=0)


def _above(members: Scores, nonmembers: Scores) -> Scores:
    """For each pair [M, N], 1 where the member scores above the non-member, 1/2 where equal."""
    found: Scores = (members[:, None] > nonmembers) + 0.5 * (members[:, None] == nonmembers)
    return found


def tpr(members: Scores, nonmembers: Scores, seed: int, confidence: float = 0.95) -> Interval:
    """Largest share of members found where at most 1 % of the non-members are accused.

    The score interval is that of Clopper and Pearson for the share of members above the threshold
    that was found. With fewer than 367 non-members, the chance that none of them is among the 1 %
    that score highest exceeds 2.5 % (0.99^367): no interval can then say how high the threshold of
    the whole population is. This one speaks of thresholds found with as many non-members; with
    fewer than 100, that is the highest non-member.

    Args:
        members: [M].
        nonmembers: [N].
        seed: draws the resamples.
        confidence: of the interval.
    """
    from scipy.special import betaincinv

    accused = len(nonmembers) // 100
    descending = -np.sort(-nonmembers)
    found = members > descending[:, None]  # [N, M]: above which non-member lies which member
    count = int(found[accused].sum())
    of_members, of_nonmembers = _resamples(len(members), len(nonmembers), seed)
    # The highest non-member whom a threshold of 1 % must not accuse.
    threshold = (of_nonmembers.cumsum(axis=1) > accused).argmax(axis=1)
    resampled = (of_members * found[threshold]).sum(axis=1) / len(members)
    tail, total = (1 - confidence) / 2, len(members)
    low = float(betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return _hull(count / total, resampled, confidence, low, high)


@lru_cache(maxsize=1)  # the attacks on one model all ask for the same
def _resamples(members: int, nonmembers: int, seed: int) -> tuple[Scores, Scores]:
    """How often each utterance is drawn: [RESAMPLES, M] and [RESAMPLES, N]."""
    random = np.random.default_rng(seed)

    def drawn(count: int) -> Scores:
        places = random.integers(count, size=(RESAMPLES, count))
        places += count * np.arange(RESAMPLES)[:, None]
        times = np.bincount(places.ravel(), minlength=RESAMPLES * count)
        return times.reshape(RESAMPLES, count).astype(np.float64)

    return drawn(members), drawn(nonmembers)


def _normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))


def _lowest_area(value: float, sizes: tuple[int, ...], deviation: float) -> float:
    """The smallest area that lies `deviation` of its own standard errors from the value found."""
    from scipy.optimize import brentq

    if value == 0:
        return 0.0
    half = sum(sizes) / 2 - 1

    def excess(area: float) -> float:
        spread = 1 + half * (1 - area) / (2 - area) + half * area / (1 + area)
        variance = area * (1 - area) * spread / (sizes[0] * sizes[1])
        return value - area - deviation * float(np.sqrt(variance))

    # An area of 1 has no standard error, and would be a root by itself.
    return float(brentq(excess, 0.0, min(value, 1 - 1e-12)))


def _hull(value: float, resampled: Scores, confidence: float, low: float, high: float) -> Interval:
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    lowest, highest = (float(limit) for limit in np.quantile(resampled, tails))
    return Interval(value, min(low, lowest), max(high, highest))
