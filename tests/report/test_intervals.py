"""The bootstrap of a mean: hand-computed ends, SciPy's, and how often it covers the truth."""

from __future__ import annotations

import dataclasses
import math
import os
import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ser_unlearn.report.intervals import bootstrap_mean, bootstrap_means

# sqrt(n / (n - 1)) * t(0.975, n - 1) / z(0.975), with the points of printed tables.
STRETCH = {
    2: math.sqrt(2 / 1) * 12.706205 / 1.959964,
    3: math.sqrt(3 / 2) * 4.302653 / 1.959964,
}
# The tables' points have seven digits, and so have the factors; distances here are 3 at most.
DIGITS = 1e-5


def grid(table):
    """Values by (model, forget, method) seed, from rows of model seeds."""
    return {
        (model, forget, 0): float(value)
        for model, row in enumerate(table)
        for forget, value in enumerate(row)
    }


def ends(values):
    found = bootstrap_mean(values)
    return found.low, found.high


# Values worked out by hand


def test_two_models_of_one_forget_set():
    # Of two values a quarter of the resamples takes the lower twice, and a quarter the higher:
    # the 2.5 % and 97.5 % points are the values themselves.
    found = bootstrap_mean(grid([[0.2], [0.6]]))
    assert found.mean == pytest.approx(0.4, abs=1e-12)  # a sum of two
    expected = (0.4 - 0.2 * STRETCH[2], 0.4 + 0.2 * STRETCH[2])
    assert (found.low, found.high) == pytest.approx(expected, abs=DIGITS)
    assert found.n == 2


def test_three_models_of_one_forget_set():
    # 1 resample of 27 takes the lowest three times, which is 3.7 % and more than 2.5 %: the
    # percentiles are again the extremes. 9,999 resamples miss that by 6 standard errors.
    found = bootstrap_mean(grid([[1.0], [2.0], [6.0]]))
    assert found.mean == pytest.approx(3.0, abs=1e-12)  # a sum of three
    expected = (3 - 2 * STRETCH[3], 3 + 3 * STRETCH[3])
    assert (found.low, found.high) == pytest.approx(expected, abs=DIGITS)


def test_forget_sets_that_differ_alike_for_all_models_count():
    # Models do not differ, forget sets do. Both draws take the first with probability 1/4: the
    # percentiles are the forget sets' means, though the means of the model seeds are all equal.
    low, high = ends(grid([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]))
    expected = (0.5 - 0.5 * STRETCH[3], 0.5 + 0.5 * STRETCH[3])
    assert (low, high) == pytest.approx(expected, abs=DIGITS)


def test_method_seeds_are_drawn_within_model_and_forget_set():
    # Runs of 0 and 1 under every model. Of 3 model seeds drawn, each has 2 runs drawn: the sum is
    # binomial(6, 1/2) if the models drawn are distinct, and if they are not, too, for every draw
    # of a run is a fair coin of its own. P(0) = 1/64 < 2.5 % < P(0) + P(1) = 7/64: the percentile
    # is 1/6.
    values = {(model, 0, run): float(run) for model, run in product(range(3), range(2))}
    low, high = ends(values)
    expected = (0.5 - STRETCH[3] / 3, 0.5 + STRETCH[3] / 3)
    assert (low, high) == pytest.approx(expected, abs=DIGITS)


def test_one_model_seed_has_no_interval():
    found = bootstrap_mean({(0, 0, 0): 0.1, (0, 1, 0): 0.2, (0, 1, 1): 0.6})
    assert (found.low, found.high, found.n) == (None, None, 3)
    assert found.mean == pytest.approx(0.3, abs=1e-12)  # a sum of three


def test_no_value_has_no_mean():
    assert bootstrap_mean({}) is None


def test_values_that_do_not_vary_have_no_width():
    low, high = ends(grid([[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]]))
    assert (low, high) == pytest.approx((0.1, 0.1), abs=1e-12)  # rounding of sums of 0.1


# Agreement with SciPy


def scipys_ends(values, models, *samples):
    """SciPy's percentile bootstrap over numbers of rows (and columns), stretched by hand."""

    def statistic(*drawn, axis=-1):
        rows = drawn[0][..., :, None]
        columns = drawn[1][..., None, :] if len(drawn) > 1 else np.zeros_like(rows)
        return table[rows, columns].mean(axis=(-2, -1))

    table = np.asarray(values)
    found = stats.bootstrap(
        [np.arange(count) for count in samples],
        statistic,
        method="percentile",
        paired=False,
        vectorized=True,
        n_resamples=9999,
        rng=np.random.default_rng(7),
    )
    z, t = stats.norm.ppf(0.975), stats.t.ppf(0.975, models - 1)
    factor = math.sqrt(models / (models - 1)) * t / z
    mean = table.mean()
    interval = found.confidence_interval
    return mean + factor * (interval.low - mean), mean + factor * (interval.high - mean)


@pytest.mark.parametrize("seed", range(3))
def test_one_level_agrees_with_scipy(seed):
    table = np.random.default_rng(seed).normal(size=(20, 1))
    # A 2.5 % point of 9,999 normal draws has a standard error of
    # sqrt(0.025 * 0.975 / 9999) / density(1.96) = 0.00156 / 0.0584 = 0.027 deviations of the
    # mean, which are 1 / sqrt(20): 0.006. Two such errors differ, times a stretch of 1.1: 0.009.
    # Five of those.
    assert ends(grid(table)) == pytest.approx(scipys_ends(table, 20, 20), abs=0.046)


@pytest.mark.parametrize("shape", [(12, 8), (15, 15)])
def test_two_levels_agree_with_scipys_two_samples(shape):
    # SciPy resamples rows and columns independently where they are two samples of numbers.
    random_numbers = np.random.default_rng(1)
    table = random_numbers.normal(size=shape) + random_numbers.normal(size=(1, shape[1]))
    # As above: a resampled mean deviates by about sqrt(2 / 8) here, times 0.027, two errors, a
    # stretch of 1.17: 0.022. Five of those.
    assert ends(grid(table)) == pytest.approx(scipys_ends(table, shape[0], *shape), abs=0.11)


def test_one_level_of_many_models_is_about_students_interval():
    table = np.random.default_rng(2).normal(size=(100, 1))
    expected = stats.t.interval(0.95, 99, loc=table.mean(), scale=stats.sem(table[:, 0]))
    # The percentiles' standard error is 0.027 deviations of the mean, 0.1: five are 0.014; the
    # skewness of 100 normal values moves them by a tenth of a deviation at most.
    assert ends(grid(table)) == pytest.approx(expected, abs=0.024)


# Properties

numbers = st.integers(-(10**6), 10**6).map(lambda number: number / 1000)
seeds = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1))
incomplete = st.dictionaries(seeds, numbers, min_size=2, max_size=12).filter(
    lambda values: len({model for model, _, _ in values}) > 1
)
# Weighted sums of a dozen values of at most 1,000, stretched by at most 10: rounding stays below
# 1e-10, and as much again where they are shifted or scaled by as much.
ROUNDING = 1e-6


@settings(max_examples=60, deadline=None)
@given(incomplete, numbers, st.floats(0.01, 100))
def test_it_moves_with_a_shift_and_grows_with_a_scale(values, shift, scale):
    low, high = ends(values)
    moved = ends({key: scale * value + shift for key, value in values.items()})
    assert moved == pytest.approx((scale * low + shift, scale * high + shift), abs=ROUNDING)


@settings(max_examples=60, deadline=None)
@given(incomplete)
def test_it_turns_with_the_sign(values):
    low, high = ends(values)
    assert ends({key: -value for key, value in values.items()}) == pytest.approx(
        (-high, -low), abs=ROUNDING
    )


@settings(max_examples=60, deadline=None)
@given(incomplete, st.randoms(use_true_random=False))
def test_the_order_of_values_does_not_matter(values, shuffler):
    keys = list(values)
    shuffler.shuffle(keys)
    assert bootstrap_mean({key: values[key] for key in keys}) == bootstrap_mean(values)


@settings(max_examples=60, deadline=None)
@given(incomplete)
def test_the_numbers_of_the_seeds_do_not_matter(values):
    renamed = {
        (7 + 10 * model, 3 * forget + 1, method + 5): value
        for (model, forget, method), value in values.items()
    }
    assert bootstrap_mean(renamed) == bootstrap_mean(values)


@settings(max_examples=60, deadline=None)
@given(incomplete)
def test_the_interval_is_finite_and_in_order(values):
    low, high = ends(values)
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low <= high


def test_repeating_it_does_not_touch_other_random_numbers():
    values = grid(np.random.default_rng(3).normal(size=(3, 2)))
    random.seed(0)
    np.random.seed(0)
    before = random.getstate(), np.random.get_state()[1].tolist()
    first, again = bootstrap_mean(values), bootstrap_mean(values)
    assert first == again
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_columns_have_the_intervals_that_each_has_alone():
    random_numbers = np.random.default_rng(4)
    columns = [grid(random_numbers.normal(size=(3, 2))) for _ in range(5)]
    columns += [{}, {**columns[0], (3, 0, 0): 1.0}, {(0, 0, 0): 2.0}]
    for together, values in zip(bootstrap_means(columns), columns, strict=True):
        alone = bootstrap_mean(values)
        assert (together is None) == (alone is None)
        if together and alone:
            assert dataclasses.astuple(together) == pytest.approx(
                dataclasses.astuple(alone), abs=1e-12
            )


# Coverage


def covers(table):
    """Whether the interval of values around 0 contains 0."""
    low, high = ends(grid(table))
    return low <= 0 <= high


@pytest.mark.parametrize("shape", [(3, 2), (5, 5)])
@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        # Where only models differ, it covered 94.8 % of 6,000: known to 0.3 points.
        ((1.0, 0.0, 0.0), 0.948),
        # Else it is too wide. No upper bound: all may be covered.
        ((0.1, 0.3, 0.6), None),
        ((0.1, 0.6, 0.3), None),
        ((0.0, 0.0, 1.0), None),
    ],
)
def test_it_covers_the_truth_in_95_percent_or_more(shape, shares, expected):
    seed = int.from_bytes(os.urandom(8), "big")
    draw = np.random.default_rng(seed).normal
    by_model, by_forget, rest = np.sqrt(shares)
    count = 600
    covered = sum(
        covers(
            by_model * draw(size=(shape[0], 1))
            + by_forget * draw(size=(1, shape[1]))
            + rest * draw(size=shape)
        )
        for _ in range(count)
    )
    # Each bound is missed by chance in fewer than 1 of 100,000 runs, if the coverage is 94 %
    # (3 x 2 and 5 x 5 measured no less, minus two standard errors), or 95.4 % at most.
    assert covered >= stats.binom.ppf(1e-5, count, 0.94), seed
    if expected is not None:
        assert covered <= stats.binom.isf(1e-5, count, expected + 0.006), seed
