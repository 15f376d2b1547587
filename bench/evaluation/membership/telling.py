"""Whether attacks tell a model from retrained ones: is it where one more of these would be?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from ser_unlearn.evaluation.membership import roc
from ser_unlearn.evaluation.membership.signals import Scores

LEVEL = 0.05
"""How often one more retrained model may be told, by any attack."""

PRIOR = 8
"""Degrees of freedom of the variance that the utterances give, beside K - 1 of the areas' own."""

DRAWS = 20_000
"""Of the largest deviation: its 95 % quantile is good to one percent."""

Areas = Mapping[str, float]
"""What attacks find of a model: areas under the ROC curve, by the attack's name."""


class References:
    """What attacks find of K retrained models, and where one more of these would be.

    All are audited on the same utterances as the model that is compared with them: how well these
    stand for others does not matter, only models vary. An area is far from those of the references
    on either side: also a model that fits the forget set worse than one that never heard it can be
    told. It is, if for some attack

        |area - mean| > q sqrt(1 + 1 / K) s,  s^2 = max(v, (PRIOR c + (K - 1) v) / (PRIOR + K - 1)).

    v is the variance of the references' areas; of so few it says little, and is moderated as in
    Smyth 2004, doi:10.2202/1544-6115.1027. The prior c is what v would be if models erred on each
    utterance by themselves: the sum over M members of var(h) / M^2 and over N non-members of
    var(g) / N^2, with h the share of the non-members that a member scores above, g the share of the
    members that score above a non-member, and variances over the references (the projection by
    which DeLong et al. 1988, doi:10.2307/2531595, get the variance over utterances). s is at least
    what it makes that one member passes half of the non-members. q is the 95 % quantile of the
    largest of multivariate t variables with PRIOR + K - 1 degrees of freedom and the correlations
    between attacks that the same sums give.

    Seen with 28 models of EMO-DB, all attacks but U-LiRA, and forget sets that no model heard: of
    16 and 32 utterances matched by emotion, v is c in the mean, and one more model was told in 1 to
    4 %, with two to five references. All models with the forget set on the decision boundary or
    confident at random were told; of 16 utterances with half of them on the boundary, 62 % with
    three references and 73 % with five. By Holm's correction of t intervals with variances half
    pooled over attacks, as few of the retrained were told, and 25 and 68 % of these. Of forget sets
    of one emotion with non-members of others, models judge all members alike, v is up to ten times
    c, and 9 to 16 % were told: there the share of matched emotions warns.

    Args:
        scores: by attack, of each reference: [M + N], the members first.
        members: M.
    """

    def __init__(self, scores: Sequence[Mapping[str, Scores]], members: int) -> None:
        self._members = members
        placements = [
            [roc.placements(each[:members], each[members:]) for each in model.values()]
            for model in scores
        ]
        self._placements = [
            np.array([[each[side] for each in model] for model in placements]) for side in (0, 1)
        ]
        self._areas = self._placements[0].mean(axis=-1)
        self._names = list(scores[0])

    @property
    def areas(self) -> list[dict[str, float]]:
        """What the attacks find of each reference."""
        return [dict(zip(self._names, each, strict=True)) for each in self._areas.tolist()]

    def told(self, model: Areas) -> dict[str, bool]:
        """By attack, whether a model lies outside of where one more retrained model would."""
        found = np.array([model[name] for name in self._names])
        outside = np.abs(found - self._areas.mean(axis=0)) > self.widths
        return dict(zip(self._names, outside.tolist(), strict=True))

    @cached_property
    def widths(self) -> Scores:
        """How far from the mean one more retrained model is expected at most, [A]."""
        count, covariance = len(self._areas), self._covariance
        prior, own = np.diag(covariance), self._areas.var(axis=0, ddof=1)
        freedom = PRIOR + count - 1
        variance = np.maximum(own, (PRIOR * prior + (count - 1) * own) / freedom)
        deviation = np.sqrt(variance).clip(min=0.5 / self._members)
        size = np.sqrt(np.where(prior > 0, prior, 1))
        correlation = covariance / np.outer(size, size)
        np.fill_diagonal(correlation, 1)
        widths: Scores = _largest(correlation, freedom) * np.sqrt(1 + 1 / count) * deviation
        return widths

    @property
    def _covariance(self) -> Scores:
        """Between attacks, over models that err on each utterance by themselves: [A, A]."""
        total = np.zeros((len(self._names),) * 2)
        for placements in self._placements:
            apart = (placements - placements.mean(axis=0)) / placements.shape[-1]
            total += np.einsum("kan,kbn->ab", apart, apart) / (len(apart) - 1)
        return total


def shift(model: Areas, references: Sequence[Areas]) -> float:
    """The largest difference, over attacks, of an area from the references' mean; in 0..1."""
    return max(
        abs(area - math.fsum(each[name] for each in references) / len(references))
        for name, area in model.items()
    )


def _largest(correlation: Scores, freedom: int) -> float:
    """What the largest |t| of some with these correlations [A, A] exceeds at `LEVEL`."""
    random = np.random.default_rng(0)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    normal = random.standard_normal((DRAWS, len(root))) @ root
    scale = np.sqrt(random.chisquare(freedom, DRAWS) / freedom)
    return float(np.quantile(np.abs(normal).max(axis=1) / scale, 1 - LEVEL))
