"""Rows against each other: tests by hand and by SciPy, and what they do not depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from grids import AGREEMENT, ROUNDING, row, run
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ser_unlearn.report.comparison import Contest, Run, estimate
from ser_unlearn.report.holm import holm
from ser_unlearn.report.moderation import fit_prior


def between(first, second):
    return Contest({"a": first, "b": second}).compare_with("a", ["b"])["b"]


# Two rows: nothing to moderate by


@pytest.mark.parametrize("runs", [3, 6, 20])
def test_of_two_rows_it_is_scipys_paired_t_test(runs):
    first, second = np.random.default_rng(runs).normal(size=(2, runs))
    found = between(row(first), row(second))
    expected = stats.ttest_rel(first, second)
    assert found.p == found.corrected == pytest.approx(expected.pvalue, abs=AGREEMENT)
    assert found.difference == pytest.approx(np.mean(first - second), abs=ROUNDING)


def test_two_rows_by_hand():
    # Mean 4, variance (9 + 1 + 4) / 2 = 7, t^2 = 16 / (7 / 3); with 2 degrees of freedom,
    # P(|T| > t) = 1 - t / sqrt(t^2 + 2).
    found = between(row([1, 5, 6]), row([0, 0, 0]))
    squared = 16 * 3 / 7
    assert found.p == pytest.approx(1 - math.sqrt(squared / (squared + 2)), abs=ROUNDING)


def test_differences_all_alike_are_certain():
    assert between(row([2, 2, 2]), row([0, 0, 0])).p == 0.0
    assert between(row([2, 3, 4]), row([2, 3, 4])).p == 1.0


def test_only_shared_runs_count():
    found = between(row([9, 1, 2, 6]), {run(number): 0.0 for number in (1, 2, 3, 7)})
    assert found.runs == 3
    assert found.p == pytest.approx(stats.ttest_1samp([1, 2, 6], 0).pvalue, abs=AGREEMENT)


ONE_MODEL = {run()._replace(forget=number): float(1 + number) for number in range(3)}


@pytest.mark.parametrize(
    ("first", "second", "difference", "runs", "reason"),
    [
        (row([1, 2]), {}, None, 0, "no run is shared"),
        (row([1, 2]), row([1, 2], corpus="d"), None, 0, "no run is shared"),
        (row([1]), row([3]), -2.0, 1, "there is one run"),
        (row([1, 4]), row([1, 2]), 1.0, 2, "2 models are too few: it takes 3"),
        (ONE_MODEL, dict.fromkeys(ONE_MODEL, 0.0), 2.0, 3, "all 3 runs are of one model"),
    ],
)
def test_too_few_shared_runs_give_no_claim(first, second, difference, runs, reason):
    found = between(first, second)
    assert (found.difference, found.runs, found.p, found.reason) == (
        difference,
        runs,
        None,
        reason,
    )
    assert not found.is_clear


# Several rows


def test_the_moderated_test_by_hand():
    # Differences: a - b = 1 2 3 4, a - c = 0 4 0 4, and b - c = -1 2 -3 0. Variances 5/3, 16/3,
    # 13/3, each with 3 degrees of freedom.
    rows = {"a": row([1, 4, 3, 4]), "b": row([0, 2, 0, 0]), "c": row([1, 0, 3, 0])}
    prior = fit_prior([5 / 3, 16 / 3, 13 / 3], [3, 3, 3])
    found = Contest(rows).compare_with("a", rows)
    # Half of what three rows have together, (3 - 1) * 3 / 2, is no more than a pair's own.
    for other, mean, variance in [("b", 2.5, 5 / 3), ("c", 2.0, 16 / 3)]:
        t = mean / math.sqrt(prior.moderate(variance, 3) / 4)
        assert found[other].p == pytest.approx(2 * stats.t.sf(t, 3), abs=AGREEMENT)
    assert [each.corrected for each in found.values()] == holm([each.p for each in found.values()])


def test_many_rows_lend_their_degrees_of_freedom():
    # Differences of any two rows of this pattern vary alike, so that the prior is infinite, and
    # the test has half of (6 - 1) * 3.
    signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    table = np.vstack([signs[1:], -signs[1:]])
    rows = {f"m{number}": row(values) for number, values in enumerate(table)}
    contest = Contest(rows)
    assert contest.prior.freedom == math.inf
    found = contest.compare_with("m0", ["m1"])["m1"]
    assert found.p == 1.0
    moved = {**rows, "m0": row(table[0] + 3)}
    t = 3 / math.sqrt(contest.prior.variance / 4)
    expected = 2 * stats.t.sf(t, 7.5)
    assert Contest(moved).compare_with("m0", ["m1"])["m1"].p == pytest.approx(
        expected, abs=AGREEMENT
    )


def test_a_comparison_without_a_claim_does_not_count_in_the_correction():
    rows = {"a": row([1, 4, 3, 4]), "b": row([0, 2, 0, 0]), "few": row([1, 0])}
    found = Contest(rows).compare_with("a", rows)
    assert list(found) == ["b", "few"]
    assert found["b"].corrected == found["b"].p
    assert found["few"].corrected is None


# Means


def test_tables_weigh_alike_in_means_as_in_estimates():
    def row(first, second):
        runs = {Run("ravdess", "ecapa", "random:16", run, run): first for run in range(6)}
        return runs | {Run("ravdess", "ecapa", "speaker:1", run, run): second for run in range(3)}

    rows = {"a": row(1.0, 2.0), "b": row(1.2, 1.7)}
    found = Contest(rows).means()
    assert found == pytest.approx({"a": 1.5, "b": 1.45}, abs=ROUNDING)
    assert found == pytest.approx({label: estimate(values).mean for label, values in rows.items()})


def test_means_of_rows_without_gaps_are_plain():
    rows = {"a": row([1, 2, 6]), "b": row([0, 0, 3])}
    assert Contest(rows).means() == pytest.approx({"a": 3, "b": 1}, abs=ROUNDING)


def test_a_row_that_lacks_hard_runs_gains_nothing():
    # "lucky" is 1 above "steady" wherever both are, and lacks the run in which all are at 30.
    rows = {"steady": row([2, 4, 30]), "lucky": row([3, 5]), "none": {}}
    assert Contest(rows).means() == pytest.approx({"steady": 12, "lucky": 13}, abs=ROUNDING)


# Properties

# Steps of 1/8: sums and differences are exact, and so are ties.
numbers = st.integers(-400, 400).map(lambda number: number / 8)
runs = st.builds(run, st.integers(0, 5), st.sampled_from(["c", "d"]))
values = st.dictionaries(runs, numbers, min_size=3, max_size=10)
labelled = st.dictionaries(st.sampled_from("abcde"), values, min_size=2)


@given(values, values)
def test_the_test_is_symmetric(first, second):
    one, other = between(first, second), between(second, first)
    assert one.p == other.p
    assert (one.runs, one.reason) == (other.runs, other.reason)
    if one.difference is not None:
        assert one.difference == -other.difference


@settings(deadline=None)
@given(labelled, st.sampled_from([0.25, 2.0, 64.0]), numbers)
def test_the_test_has_no_unit(rows, scale, shift):
    moved = {
        label: {key: scale * (value + shift) for key, value in each.items()}
        for label, each in rows.items()
    }
    label = min(rows)
    for other, found in Contest(rows).compare_with(label, rows).items():
        again = Contest(moved).compare_with(label, moved)[other]
        assert (again.p is None) == (found.p is None)
        if found.p is not None:
            assert again.p == pytest.approx(found.p, abs=ROUNDING)


@settings(deadline=None)
@given(labelled, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_runs_does_not_matter(rows, shuffler):
    def mixed(mapping):
        keys = list(mapping)
        shuffler.shuffle(keys)
        return {key: mapping[key] for key in keys}

    other = mixed({label: mixed(found) for label, found in rows.items()})
    label = min(rows)
    assert Contest(other).compare_with(label, other) == Contest(rows).compare_with(label, rows)
    assert Contest(other).means() == pytest.approx(Contest(rows).means(), abs=ROUNDING)
