"""Between rows: paired tests over runs, moderated, and corrected for their number.

A comparison looks at what two methods made of the same model, to be rid of the same recordings.
Whatever makes a run hard or easy for both cancels in the difference.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import combinations
from typing import NamedTuple

from ser_unlearn.report.holm import holm
from ser_unlearn.report.moderation import Prior, fit_prior

ALPHA = 0.05
POWER = 0.8
FEWEST = 3
"""Originals that a claim needs."""


class Run(NamedTuple):
    """What two methods have to share to be compared: an original, and what it is to forget."""

    corpus: str
    recipe: str
    scenario: str
    model: int
    forget: int

    @property
    def table(self) -> tuple[str, str, str]:
        """Where its results stand."""
        return self.corpus, self.recipe, self.scenario

    @property
    def field(self) -> Hashable:
        """What originals are drawn for."""
        return self.corpus, self.recipe


Values = Mapping[Run, float]
"""Of one row; repeats inside of a run are averaged."""


@dataclass(frozen=True)
class Estimate:
    """The mean over tables of the mean over runs, and how sure it is."""

    mean: float
    runs: int
    variance: float
    """Of what one original gives."""
    scale: float
    """The variance of `mean` over `variance`."""
    freedom: int
    """Degrees of freedom of `variance`; 0 where it is not known."""


@dataclass(frozen=True)
class Comparison:
    """What can be said about the difference of two rows."""

    difference: float | None
    """Mean of the first's values minus the second's over shared runs; None without such."""
    runs: int
    """How many they share."""
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


def estimate(values: Values) -> Estimate | None:
    """The mean of a row, and its variance, with runs of one original as a cluster.

    The mean is over tables, each the mean over its runs. The runs of one table are independent;
    those of several tables with the same corpus, recipe and model seed share the original. With
    the weight w of each value and its deviation e from its table's mean, the variance of the mean
    is the sum, over corpora and recipes with G originals each, of

        G / (G - 1) * sum over originals of (sum over an original's runs of w e)^2

    and has as many degrees of freedom as there are originals, less one a corpus and recipe. Of one
    table it is s^2 / R. It speaks of these corpora, recipes and scenarios, not of others.

    Returns:
        None of no values.
    """
    if not values:
        return None
    layout = _layout(frozenset(values))
    scores = [0.0] * len(layout.factors)
    means = []
    for runs, originals, weight in layout.tables:
        mean = math.fsum(values[run] for run in runs) / len(runs)
        means.append(mean)
        for run, original in zip(runs, originals, strict=True):
            scores[original] += weight * (values[run] - mean)
    mean = math.fsum(means) / len(means)
    variance = math.fsum(
        factor * score**2 for factor, score in zip(layout.factors, scores, strict=True)
    )
    return Estimate(
        mean, len(values), variance / layout.scale, layout.scale, freedom=layout.freedom
    )


class Layout(NamedTuple):
    """How runs lie in tables, and on originals."""

    tables: list[tuple[list[Run], list[int], float]]
    """The runs of each, the numbers of their originals, and the weight of each run."""
    factors: list[float]
    """G / (G - 1) of each original; 0 where one corpus and recipe has a single one."""
    scale: float
    freedom: int


@lru_cache(maxsize=256)
def _layout(runs: frozenset[Run]) -> Layout:
    """Of these runs; the differences of many pairs of rows have the same."""
    tables: dict[Hashable, list[Run]] = {}
    for run in sorted(runs):
        tables.setdefault(run.table, []).append(run)
    numbers: dict[tuple[Hashable, int], int] = {}
    found = []
    for within in tables.values():
        originals = [numbers.setdefault((run.field, run.model), len(numbers)) for run in within]
        found.append((within, originals, 1 / (len(tables) * len(within))))
    weights = [0.0] * len(numbers)
    for _, originals, weight in found:
        for original in originals:
            weights[original] += weight
    scale = math.fsum(weight**2 for weight in weights)
    counts = Counter(field for field, _ in numbers)
    if min(counts.values()) == 1:
        return Layout(found, [0.0] * len(numbers), scale, 0)
    factors = [counts[field] / (counts[field] - 1) for field, _ in numbers]
    return Layout(found, factors, scale, len(numbers) - len(counts))


class Contest:
    """Rows that are compared with each other, by paired tests with moderated variances.

    Six runs say little of how much the difference of two rows varies. So the variance s^2 of each
    difference, with d degrees of freedom, is shrunk towards what those of all pairs of rows have in
    common, a prior s0^2 worth d0 degrees of freedom (`moderation`):

        t = mean difference / sqrt(scale * (d0 s0^2 + d s^2) / (d0 + d))

    Pairs are not independent, as Smyth's genes are: each row is in many. Counted in full, d0 makes
    the test too sure where variances differ; t has d + d0 / 2 degrees of freedom, and at most
    half of those that the k rows have together, (k - 1) d / 2. Simulated with normal values
    (`tests/simulated.py`; the variance of a difference is 22 points^2, as records had it; "mixed":
    it differs from row to row, by a gamma distribution with shape 2), in percent:

    ====  ====  =========  ==========  ===========  ===========  ==========
    rows  runs  variances  one test,   any of all,  any of all,  8 points
                           first row   first row    best row     told, by
                           named       named        against      Holm, first
                                       (Holm)       rest (Holm)  row named
    ====  ====  =========  ==========  ===========  ===========  ==========
    18    6     alike      4.2         2.0          13.3         93.0
    18    6     mixed      4.6         2.8          13.2         87.4
    36    6     alike      4.5         2.1          22.7         90.4
    36    6     mixed      4.7         1.4          13.2         79.5
    6     6     alike      3.9         2.4          5.7          92.7
    6     6     mixed      4.7         3.4          7.4          91.7
    3     6     alike      2.7         2.1          2.7          83.9
    3     6     mixed      2.9         2.3          2.9          84.2
    18    3     alike      3.6         1.0          6.8          35.5
    18    3     mixed      4.5         3.1          11.6         32.1
    18    12    alike      4.5         2.4          17.0         100.0
    18    12    mixed      4.8         3.2          14.4         99.4
    ====  ====  =========  ==========  ===========  ===========  ==========

    All but the last are errors: no rows differ there. The last of these is what "told from the
    first" risks: the first is chosen by the values that test it, and looks better than it is. That
    another cannot be told from it does not say that it is as good.

    Args:
        values: of each row, by label and run.
    """

    def __init__(self, values: Mapping[str, Values]) -> None:
        self._values = values

    @cached_property
    def prior(self) -> Prior | None:
        """What the variances of differences have in common; None of fewer than three rows."""
        known = [each for each in self._pairs.values() if each and each.freedom]
        return fit_prior([each.variance for each in known], [each.freedom for each in known])

    @cached_property
    def _pairs(self) -> dict[tuple[str, str], Estimate | None]:
        """The differences of any two rows, in alphabetical order; None where they share no run."""
        found = {}
        for first, second in combinations(sorted(self._values), 2):
            one, other = self._values[first], self._values[second]
            shared = one.keys() & other.keys()
            found[first, second] = estimate({run: one[run] - other[run] for run in shared})
        return found

    def compare_with(self, label: str, others: Collection[str]) -> dict[str, Comparison]:
        """One row against others, with Holm's correction for their number.

        Returns:
            By the other's label, in alphabetical order. Comparisons without a claim do not count
            in the correction.
        """
        found = {other: self._test(label, other) for other in sorted(others) if other != label}
        tested = {other: each.p for other, each in found.items() if each.p is not None}
        corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
        return {
            other: replace(each, corrected=corrected.get(other)) for other, each in found.items()
        }

    def alike(self, order: Sequence[str]) -> list[tuple[str, ...]]:
        """The largest groups of neighbours of which no two are told apart, by tests of all pairs.

        Args:
            order: labels, from the first to the last.
        """
        tested = {pair: self._test(*pair).p for pair in combinations(order, 2)}
        known = {pair: p for pair, p in tested.items() if p is not None}
        corrected = holm(list(known.values()))
        clear = {pair for pair, p in zip(known, corrected, strict=True) if p < ALPHA}
        found: list[tuple[str, ...]] = []
        for start in range(len(order)):
            end = start + 1
            while end < len(order) and not clear & {(a, order[end]) for a in order[start:end]}:
                end += 1
            group = tuple(order[start:end])
            if len(group) > 1 and not (found and set(group) <= set(found[-1])):
                found.append(group)
        return found

    def detectable(self) -> float | None:
        """The difference that is told in 80 % of cases, as the first of all rows' comparisons.

        None where no claim is possible.
        """
        from scipy.special import stdtrit

        found = [each for each in self._pairs.values() if each and each.freedom >= FEWEST - 1]
        if not found:
            return None
        typical = sorted(found, key=lambda each: each.variance)[len(found) // 2]
        freedom = self._freedom(typical)
        prior = self.prior
        variance = typical.variance if prior is None else prior.variance
        comparisons = len(self._values) - 1
        quantiles = stdtrit(freedom, 1 - ALPHA / 2 / comparisons) + stdtrit(freedom, POWER)
        return float(quantiles) * math.sqrt(variance * typical.scale)

    def means(self) -> dict[str, float]:
        """The mean of each row, as far as runs that it lacks allow.

        Rows and runs are fitted as m_row + b_run by least squares, with mean b of zero, and tables
        weigh alike, as in `estimate`: of rows without gaps, m is the mean over tables of that over
        runs, and one that lacks hard runs gains nothing by it.
        """
        import numpy as np

        labels = sorted(label for label, found in self._values.items() if found)
        runs = sorted({run for label in labels for run in self._values[label]})
        table = np.array(
            [[self._values[label].get(run, np.nan) for run in runs] for label in labels]
        )
        known = ~np.isnan(table)
        filled = np.where(known, table, 0)
        sizes = Counter(run.table for run in runs)
        weights = np.array([1 / sizes[run.table] for run in runs])
        columns = known.sum(axis=0)
        shares = known * weights / columns
        # Without the b, which are what is left in each run: one equation a row.
        left = np.diag(known @ weights) - shares @ known.T
        right = filled @ weights - shares @ filled.sum(axis=0)
        means = np.linalg.lstsq(left, right, rcond=None)[0]
        levels = (filled.sum(axis=0) - means @ known) / columns
        level = float(np.average(levels, weights=weights))
        return dict(zip(labels, (means + level).tolist(), strict=True))

    def _difference(self, first: str, second: str) -> Estimate | None:
        if first < second:
            return self._pairs[first, second]
        found = self._pairs[second, first]
        return found and replace(found, mean=-found.mean)

    def _test(self, first: str, second: str) -> Comparison:
        found = self._difference(first, second)
        reason = shortage(self._values[first].keys() & self._values[second].keys())
        if found is None or reason:
            mean, runs = (None, 0) if found is None else (found.mean, found.runs)
            return Comparison(mean, runs, reason=reason)
        prior = self.prior
        variance = found.variance
        if prior is not None:
            variance = prior.moderate(variance, found.freedom)
        p = _two_sided(found.mean, variance * found.scale, self._freedom(found))
        return Comparison(found.mean, found.runs, p=p)

    def _freedom(self, found: Estimate) -> float:
        """Degrees of freedom of a moderated test."""
        worth = 0.0 if self.prior is None else self.prior.freedom / 2
        together = (len(self._values) - 1) * found.freedom / 2
        return max(found.freedom, min(found.freedom + worth, together))


def shortage(runs: Collection[Run]) -> str:
    """Why no claim can be made of these runs; nothing where one can."""
    models: dict[Hashable, set[int]] = {}
    for run in runs:
        models.setdefault(run.field, set()).add(run.model)
    if not models:
        return "no run is shared"
    originals = sum(map(len, models.values()))
    if len(runs) == 1:
        return "there is one run"
    if originals == 1:
        return f"all {len(runs)} runs are of one model"
    if min(map(len, models.values())) == 1:
        return "all runs of one of the corpora are of one model"
    if originals - len(models) < FEWEST - 1:
        return f"{originals} models are too few: it takes {FEWEST}"
    return ""


def _two_sided(mean: float, variance: float, freedom: float) -> float:
    """How probable a mean is at least so far from zero, by Student's t."""
    # Not scipy.stats: it takes a second to import.
    from scipy.special import stdtr

    if variance == 0:
        return 0.0 if mean else 1.0
    return 2 * float(stdtr(freedom, -abs(mean) / math.sqrt(variance)))
