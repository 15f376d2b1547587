"""Intervals of a mean over runs: by hand, and SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from grids import AGREEMENT, ROUNDING, row, run
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ser_unlearn.report.comparison import Estimate, estimate
from ser_unlearn.report.intervals import interval


def test_an_amount_has_students_interval():
    values = [1.0, 4.0, 2.0, 9.0]
    found = interval(estimate(row(values)), "amount")
    expected = stats.t.interval(0.95, 3, loc=4, scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, abs=AGREEMENT)


def test_a_factor_has_it_on_the_scale_of_logarithms():
    values = [1.0, 2.0, 4.0]
    found = interval(estimate(row(np.log(values))), "factor")
    assert found.mean == pytest.approx(2, abs=ROUNDING)
    # Of log 1, 2, 4: standard error log 2 / sqrt 3; t(0.975, 2) = 4.302653.
    half = 4.302653 * math.log(2) / math.sqrt(3)
    assert found.low == pytest.approx(2 * math.exp(-half), abs=1e-6)  # seven digits of t
    assert found.high == pytest.approx(2 * math.exp(half), abs=1e-3)  # 140 times as large


def test_a_share_of_coin_flips_has_wilsons_interval():
    # 7 of 20, and a variance that is known to be that of coin flips.
    share = 7 / 20
    known = Estimate(share, 20, share * (1 - share), 1 / 20, 10**9)
    found = interval(known, "share")
    expected = stats.binomtest(7, 20).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=AGREEMENT)


@pytest.mark.parametrize(("share", "successes"), [(1.0, 96), (0.0, 0), (0.25, 24)])
def test_where_all_runs_agree_a_share_is_one_of_coin_flips(share, successes):
    found = interval(estimate(row([share] * 6)), "share", 16)
    # Wilson's of 96 utterances, but with Student's t of 6 runs.
    level = 1 - 2 * stats.norm.sf(stats.t.ppf(0.975, 5))
    expected = stats.binomtest(successes, 96).proportion_ci(level, method="wilson")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=AGREEMENT)


@given(st.lists(st.integers(0, 16), min_size=2, max_size=8), st.integers(1, 64))
def test_a_share_lies_in_its_interval_and_that_between_0_and_1(counts, utterances):
    found = interval(estimate(row([count / 16 for count in counts])), "share", utterances)
    assert 0 <= found.low <= found.mean + ROUNDING
    assert found.mean - ROUNDING <= found.high <= 1


@given(st.lists(st.integers(0, 16), min_size=2, max_size=8))
def test_what_is_wrong_is_what_is_not_right(counts):
    right = interval(estimate(row([count / 16 for count in counts])), "share", 16)
    wrong = interval(estimate(row([1 - count / 16 for count in counts])), "share", 16)
    assert (wrong.low, wrong.high) == pytest.approx((1 - right.high, 1 - right.low), abs=1e-7)


def test_one_run_has_no_interval():
    found = interval(estimate({run(): 0.3}), "share", 16)
    assert (found.mean, found.low, found.high) == (0.3, None, None)
