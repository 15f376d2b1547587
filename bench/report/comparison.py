"""Between methods: paired tests, corrected for their number; ranks; and which is the best.

A comparison looks at cells: what two methods made of the same model, to be rid of the same
recordings. Whatever makes a cell hard or easy for both cancels in the difference.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Direction = Literal["higher", "lower"]
"""Which way is better. Where the retrained model is the ideal, values are distances to it, and
lower is better."""

ALPHA = 0.05
MIN_PAIRS = 3


class Cell(NamedTuple):
    """What two methods have to share to be compared."""

    corpus: str
    recipe: str
    scenario: str
    model: int
    forget: int
    method: int

    @property
    def original(self) -> Hashable:
        """What the cells of one model seed share, in every scenario: the original model."""
        return self.corpus, self.recipe, self.model

    @property
    def forgotten(self) -> Hashable:
        """What the cells of one forget seed share, whatever the model: the recordings."""
        return self.corpus, self.scenario, self.forget


Values = Mapping[Cell, float]


@dataclass(frozen=True)
class Comparison:
    """What can be said about the difference of two methods."""

    difference: float | None
    """Mean of the first's values minus the second's over shared cells; None without such."""
    pairs: int
    """How many cells they share."""
    p: float | None = None
    """Of a difference at least so large, if there were none; None where no claim is possible."""
    corrected: float | None = None
    """`p` after Holm's correction for all comparisons made together."""
    reason: str = ""
    """Why no claim is possible."""

    @property
    def is_clear(self) -> bool:
        """Whether the two can be told apart at the 5 % level."""
        return self.corrected is not None and self.corrected < ALPHA


@dataclass(frozen=True)
class Best:
    """The method with the best mean, and how the others compare with it."""

    label: str | None
    """None where there is no cell that all methods share."""
    rivals: dict[str, Comparison]
    """The best against each other method: by the other's label."""

    @property
    def undecided(self) -> frozenset[str]:
        """The methods that cannot be told from the best, which is not among them."""
        return frozenset(label for label, found in self.rivals.items() if not found.is_clear)


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of methods over the cells that all of them share."""

    means: dict[str, float]
    """By label; 1 is best."""
    cells: int
    friedman: float | None
    """Friedman's chi-squared; None with fewer than three methods or two cells."""
    p: float | None
    """Of Friedman's chi-squared, by the approximation of many cells."""
    critical_difference: float | None
    """Nemenyi's at the 5 % level; None with fewer than two methods or cells."""


def paired_test(first: Values, second: Values) -> Comparison:
    """A two-sided t-test on the differences over shared cells, clustered both ways.

    Cells are no independent samples: those of one model seed share the model, those of one forget
    seed the recordings. The variance of the mean of N differences d, in G clusters, is

        V = max(V_m, V_f, V_c, V_m + V_f - V_c)
        V_g = G / (G - 1) * sum over clusters of (sum over the cluster of d - mean)^2 / N^2

    clustered by model seed (m), by forget set (f), and by both at once (c). The last term is the
    estimate of Cameron, Gelbach & Miller 2011, Journal of Business & Economic Statistics 29(2);
    with few clusters it can come out too small by chance, hence the others as bounds. Degrees of
    freedom as Satterthwaite 1946, Biometrics Bulletin 2(6), has them for V_m + V_f:

        (V_m + V_f)^2 / (V_m^2 / (G_m - 1) + V_f^2 / (G_f - 1))

    With one forget set it is the paired t-test on the means of the model seeds. Assumed are about
    normal effects of models and forget sets, and a claim about these corpora, recipes and
    scenarios, not about others. Differences that are all alike and not zero have p = 0.

    Exact tests cannot help: of six pairs, neither the sign-flip test nor Wilcoxon's has a p below
    2 / 2^6 = 0.031, which a correction for two rivals lifts above 0.05; and they, too, take cells
    for independent. How often p < 0.05 without any difference, in percent of 200,000 simulated
    experiments (5 is right), by the shares of the differences' variance that are due to model
    seed, forget set and the rest. The third column is about what the records show:

    ==========================  =========  =========  ==============  ============
    models x forget sets, test  1 / 0 / 0  0 / 0 / 1  .04 / .2 / .76  .1 / .6 / .3
    ==========================  =========  =========  ==============  ============
    3 x 2, this one             5.1        0.7        1.6             5.1
    3 x 2, plain paired t       24.6       5.0        9.8             23.1
    5 x 5, this one             5.0        1.4        4.4             6.4
    5 x 5, plain paired t       44.7       5.0        16.2            34.1
    ==========================  =========  =========  ==============  ============

    What it can tell, in the third column: with 3 x 2 cells, a mean difference of five standard
    deviations of a difference in 85 % of experiments as the only test, and in 37 % as the first
    of 13; of two standard deviations, in 50 % and 4 %. With 5 x 5 cells, of two standard
    deviations in 92 % as the first of 13. Three models and two forget sets tell little.

    Args:
        first: values by cell.
        second: of the other method.

    Returns:
        The comparison, not yet corrected. No claim with fewer than three shared cells, or where
        all are of one model seed.
    """
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return Comparison(None, 0, reason="no shared cell")
    differences = [first[cell] - second[cell] for cell in shared]
    mean = math.fsum(differences) / len(shared)
    if len(shared) < MIN_PAIRS:
        reason = f"{len(shared)} of the {MIN_PAIRS} shared cells that a claim needs"
        return Comparison(mean, len(shared), reason=reason)
    if len({cell.original for cell in shared}) == 1:
        return Comparison(mean, len(shared), reason="all shared cells are of one model seed")
    deviations = [difference - mean for difference in differences]
    by_model, models = _clustered(deviations, [cell.original for cell in shared])
    by_forget, forget_sets = _clustered(deviations, [cell.forgotten for cell in shared])
    by_both, _ = _clustered(deviations, [(cell.original, cell.forgotten) for cell in shared])
    variance = max(by_model, by_forget, by_both, by_model + by_forget - by_both)
    freedom = _degrees_of_freedom([(by_model, models - 1), (by_forget, forget_sets - 1)])
    return Comparison(mean, len(shared), p=_two_sided(mean, variance, freedom))


def _clustered(deviations: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, int]:
    """The variance of a mean by clusters, and how many clusters there are.

    One cluster alone says nothing of how clusters differ: 0.
    """
    sums: dict[Hashable, list[float]] = {}
    for deviation, cluster in zip(deviations, clusters, strict=True):
        sums.setdefault(cluster, []).append(deviation)
    count = len(sums)
    if count == 1:
        return 0.0, 1
    squares = math.fsum(math.fsum(found) ** 2 for found in sums.values())
    return count / (count - 1) * squares / len(deviations) ** 2, count


def _degrees_of_freedom(parts: Sequence[tuple[float, int]]) -> float:
    """Satterthwaite's, of a sum of variances with the degrees of freedom of each.

    Where all variances are 0, the smallest of theirs.
    """
    parts = [(variance, freedom) for variance, freedom in parts if freedom]
    total = math.fsum(variance for variance, _ in parts)
    if total == 0:
        return min(freedom for _, freedom in parts)
    # Shares: the square of a tiny variance would be zero.
    return 1 / math.fsum((variance / total) ** 2 / freedom for variance, freedom in parts)


def _two_sided(mean: float, variance: float, freedom: float) -> float:
    """How probable a mean is at least so far from zero, by Student's t."""
    # Not scipy.stats: it takes a second to import.
    from scipy.special import stdtr

    if variance == 0:
        return 0.0 if mean else 1.0
    return 2 * float(stdtr(freedom, -abs(mean) / math.sqrt(variance)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number, so that any false alarm among them stays as improbable.

    The i-th smallest of m is multiplied by m - i + 1, and then raised to the one before it if
    that is larger. Holm 1979, Scandinavian Journal of Statistics 6(2).

    Args:
        p_values: in any order.

    Returns:
        The corrected ones, at most 1, in the same order.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for place, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[position]))
        corrected[position] = largest
    return corrected


def compare_with(values: Mapping[str, Values], label: str) -> dict[str, Comparison]:
    """One method against each other, with Holm's correction for their number.

    Args:
        values: of each method, by label and cell.
        label: the method, chosen without a look at the values.

    Returns:
        By the other's label, in alphabetical order. Comparisons without a claim do not count in
        the correction.
    """
    found = {
        other: paired_test(values[label], values[other])
        for other in sorted(values)
        if other != label
    }
    tested = {other: each.p for other, each in found.items() if each.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {other: replace(each, corrected=corrected.get(other)) for other, each in found.items()}


def best_of(values: Mapping[str, Values], direction: Direction) -> Best:
    """The method with the best mean, and which others cannot be told from it.

    The mean is over the cells that all methods with any value share; of equal means the first
    label is taken. Each other is then tested over the cells that it shares with the best
    (`paired_test`), with Holm's correction for the number of others.

    The same values choose the best and test it, and being chosen, it looks better than it is.
    "Told from the best" is therefore somewhat too easily said, and by how much was simulated: of
    14 methods without any difference, at least one was told from the best in 1.3 % of experiments
    with 3 x 2 cells and in 10 % with 5 x 5, in the mix of variances that the records show; where
    all variance was the model's, in 11 and 13 %; at worst, with most of it the forget set's, in 25
    % (5 x 5). For a method named beforehand (`compare_with`) these were 0.2, 2, 5, 5 and 7 %. That
    another cannot be told from the best does not say that it is as good: with few cells, hardly
    any can be told.

    Args:
        values: of each method, by label and cell.
        direction: which way is better.
    """
    shared = _shared_cells(values)
    if not shared:
        return Best(None, {})
    means = {
        label: math.fsum(found[cell] for cell in shared) / len(shared)
        for label, found in sorted(values.items())
        if found
    }
    best = (max if direction == "higher" else min)(means, key=means.__getitem__)
    return Best(best, compare_with(values, best))


def ranks(values: Mapping[str, Values], direction: Direction) -> Ranks:
    """Rank methods in every cell that all of them share; ties get the mean of their ranks.

    Friedman's test asks whether the mean ranks of k methods over N cells differ at all; if so,
    two methods differ where their mean ranks are apart by Nemenyi's critical difference

        CD = q / sqrt(2) * sqrt(k (k + 1) / (6 N))

    where q is the 95 % point of the studentised range of k values with infinite degrees of
    freedom. Demšar 2006, Journal of Machine Learning Research 7. Both take cells for independent.
    Cells of one model seed or one forget set are not, so with those `p` and the critical difference
    are too small: for a claim, pass one mean for each corpus and scenario instead.

    Args:
        values: of each method, by label and cell. A method without any value has no rank.
        direction: which way is better.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    cells = _shared_cells(values)
    labels = sorted(label for label, found in values.items() if found)
    if not cells:
        return Ranks({}, 0, None, None, None)
    sign = -1 if direction == "higher" else 1
    table = [[sign * values[label][cell] for label in labels] for cell in cells]
    ranked = rankdata(table, axis=1)
    means = {label: float(mean) for label, mean in zip(labels, ranked.mean(axis=0), strict=True)}
    friedman = p = difference = None
    count = len(labels)
    if count >= 3 and len(cells) >= 2:
        # Where all methods tie in all cells, the correction for ties would divide 0 by 0.
        all_tie = bool((ranked == ranked[0, 0]).all())
        friedman, p = (0.0, 1.0) if all_tie else map(float, friedmanchisquare(*ranked.T))
    if count >= 2 and len(cells) >= 2:
        q = float(studentized_range.ppf(1 - ALPHA, count, math.inf))
        difference = q / math.sqrt(2) * math.sqrt(count * (count + 1) / (6 * len(cells)))
    return Ranks(means, len(cells), friedman, p, difference)


def _shared_cells(values: Mapping[str, Values]) -> list[Cell]:
    """The cells that all methods with any value have, sorted."""
    present = [found.keys() for found in values.values() if found]
    return sorted(set.intersection(*map(set, present))) if present else []
