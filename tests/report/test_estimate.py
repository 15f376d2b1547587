"""The mean over tables and runs, and its variance: by hand."""

from __future__ import annotations

import numpy as np
import pytest
from grids import ROUNDING, row, run
from scipy import stats

from ser_unlearn.report.comparison import Run, estimate


def variance_of_mean(values):
    found = estimate(values)
    return found.variance * found.scale


def test_of_one_table_it_is_the_standard_error():
    values = [1.0, 4.0, 2.0, 9.0]
    found = estimate(row(values))
    assert (found.mean, found.runs, found.freedom) == (4.0, 4, 3)
    assert found.variance == pytest.approx(np.var(values, ddof=1), abs=ROUNDING)
    assert variance_of_mean(row(values)) == pytest.approx(stats.sem(values) ** 2, abs=ROUNDING)


def test_runs_that_share_an_original_are_one():
    # The originals' means over both tables are 2, 4 and 9: as three values, and not as six.
    values = row([1, 4, 7]) | row([3, 4, 11], scenario="random:64")
    found = estimate(values)
    assert (found.mean, found.runs, found.freedom) == (5.0, 6, 2)
    assert found.variance == pytest.approx(np.var([2, 4, 9], ddof=1), abs=ROUNDING)
    assert variance_of_mean(values) == pytest.approx(stats.sem([2, 4, 9]) ** 2, abs=ROUNDING)


def test_what_cancels_over_the_tables_of_an_original_does_not_count():
    values = row([1, 5]) | row([5, 1], scenario="random:64")
    assert variance_of_mean(values) == 0.0


@pytest.mark.parametrize("place", [{"corpus": "d"}, {"recipe": "s"}])
def test_originals_of_other_corpora_and_recipes_are_others(place):
    # Means 2 and 20. The variances of these means are 2 / 3 * 1 / 2 and 72 / 2; a mean of two
    # means has a quarter of their sum. That 20 is far from 2 is no chance.
    values = row([1, 3]) | row([14, 26], **place)
    found = estimate(values)
    assert (found.mean, found.freedom) == (11.0, 2)
    assert variance_of_mean(values) == pytest.approx((2 / 2 + 72 / 2) / 4, abs=ROUNDING)


def test_tables_count_alike_however_many_runs_they_have():
    values = row([0, 0, 0, 0]) | row([6, 6], scenario="random:64")
    assert estimate(values).mean == 3.0


def test_forget_sets_of_one_original_are_one_run():
    values = {
        Run("c", "r", "random:16", model, forget): float(value)
        for model, forget, value in [(0, 0, 1), (0, 1, 3), (1, 0, 4), (1, 1, 8)]
    }
    assert estimate(values).freedom == 1
    assert variance_of_mean(values) == pytest.approx(stats.sem([2, 6]) ** 2, abs=ROUNDING)


def test_of_one_original_nothing_is_known_of_the_spread():
    assert estimate({run(): 3.0}).freedom == 0
    assert estimate(row([1, 2]) | row([5], corpus="d")).freedom == 0


def test_no_value_has_no_mean():
    assert estimate({}) is None
