"""The paired test: hand-computed values, and SciPy's where it has the same."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from grids import AGREEMENT, ROUNDING, cell, grid
from scipy import stats

from ser_unlearn.report.comparison import paired_test


def zeros(values):
    return dict.fromkeys(values, 0.0)


def against_zero(values):
    return paired_test(values, zeros(values))


# The paired test: hand-computed values


def test_the_clustered_test_by_hand():
    # Mean 4, deviations by model and forget set:
    #   -3 -1 |-4        V_m = 3/2 * (16 + 0 + 16) / 36 = 4/3
    #    1 -1 | 0        V_f = 2/1 * (0 + 0) / 36 = 0
    #    2  2 | 4        V_c = 6/5 * (9 + 1 + 1 + 1 + 4 + 4) / 36 = 2/3
    #   --- --           V_m + V_f - V_c = 2/3
    #    0  0            V = 4/3, with the 2 degrees of freedom of V_m
    found = against_zero(grid([[1, 3], [5, 3], [6, 6]]))
    assert found.difference == pytest.approx(4, abs=ROUNDING)
    # With 2 degrees of freedom, P(|T| > t) = 1 - t / sqrt(t^2 + 2); t^2 = 16 / (4/3) = 12.
    assert found.p == pytest.approx(1 - math.sqrt(12 / 14), abs=ROUNDING)
    assert (found.pairs, found.corrected, found.reason) == (6, None, "")


def test_forget_sets_widen_the_test():
    # Mean 2, deviations:
    #   -1  1 | 0        V_m = 2 * 0 / 16 = 0
    #   -1  1 | 0        V_f = 2 * (4 + 4) / 16 = 1
    #   --- --           V_c = 4/3 * 4 / 16 = 1/3
    #   -2  2            V = 1, with the 1 degree of freedom of V_f
    found = against_zero(grid([[1, 3], [1, 3]]))
    # With 1 degree of freedom, P(|T| > 2) = 1 - 2/pi * atan(2).
    assert found.p == pytest.approx(1 - 2 / math.pi * math.atan(2), abs=ROUNDING)


def test_both_ways_of_clustering_add_up():
    # Mean 10, deviations:
    #   -4  0 |-4        V_m = 2 * (16 + 16) / 16 = 4
    #    0  4 | 4        V_f = 2 * (16 + 16) / 16 = 4
    #   --- --           V_c = 4/3 * (16 + 16) / 16 = 8/3
    #   -4  4            V = 4 + 4 - 8/3 = 16/3; (4 + 4)^2 / (16 + 16) = 2 degrees of freedom
    found = against_zero(grid([[6, 10], [10, 14]]))
    # As above, with t^2 = 100 / (16/3) = 18.75.
    assert found.p == pytest.approx(1 - math.sqrt(18.75 / 20.75), abs=ROUNDING)


def test_degrees_of_freedom_need_not_be_whole():
    # Mean 10, deviations:
    #   -3  1 |-2        V_m = 2 * (4 + 4) / 16 = 1
    #   -1  3 | 2        V_f = 2 * (16 + 16) / 16 = 4
    #   --- --           V_c = 4/3 * 20 / 16 = 5/3
    #   -4  4            V = 4, more than 1 + 4 - 5/3; (1 + 4)^2 / (1 + 16) degrees of freedom
    found = against_zero(grid([[7, 11], [9, 13]]))
    expected = 2 * stats.t.sf(10 / math.sqrt(4), 25 / 17)
    assert found.p == pytest.approx(expected, abs=AGREEMENT)


def test_what_cancels_in_every_cluster_still_counts():
    # Mean 2, deviations:
    #    1 -1 | 0        V_m = V_f = 0
    #    1 -1 | 0        V_c = 6/5 * 12 / 36 = 0.4
    #   -2  2 | 0        1 degree of freedom: of V_m and V_f, the one with fewer
    found = against_zero(grid([[3, 1], [3, 1], [0, 4]]))
    # As above, with t = 2 / sqrt(0.4).
    expected = 1 - 2 / math.pi * math.atan(2 / math.sqrt(0.4))
    assert found.p == pytest.approx(expected, abs=ROUNDING)


def test_the_model_of_one_seed_is_the_same_in_every_scenario_and_the_recordings_are_not():
    # Two scenarios of one forget seed give the same as two forget sets of one scenario.
    table = [[1.0, 3.5], [5.0, 3.0], [6.0, 6.5]]
    scenarios = {
        cell(model, scenario=f"random:{scenario}"): value
        for model, row in enumerate(table)
        for scenario, value in enumerate(row)
    }
    assert against_zero(scenarios).p == pytest.approx(against_zero(grid(table)).p, abs=ROUNDING)


def test_model_seeds_of_other_corpora_and_recipes_are_other_models():
    # One forget set each, so the variance is that of four or of two means of models.
    other_corpus = {cell(0): 1.0, cell(1): 2.0, cell(0, corpus="d"): 4.0, cell(1, corpus="d"): 9.0}
    # Mean 4; by model 9 + 4 + 0 + 25 = 38, times 4/3 / 16; by forget set (-5)^2 + 5^2 = 50, times
    # 2 / 16, which is larger; by both as by model.
    by_model, by_forget = 38 / 12, 50 / 8
    freedom = (by_model + by_forget) ** 2 / (by_model**2 / 3 + by_forget**2 / 1)
    expected = 2 * stats.t.sf(4 / math.sqrt(by_forget), freedom)
    assert against_zero(other_corpus).p == pytest.approx(expected, abs=AGREEMENT)
    # The recordings of a forget seed are the same for another recipe.
    other_recipe = {cell(0): 1.0, cell(1): 2.0, cell(0, recipe="s"): 4.0, cell(1, recipe="s"): 9.0}
    expected = stats.ttest_1samp([1.0, 2.0, 4.0, 9.0], 0).pvalue
    assert against_zero(other_recipe).p == pytest.approx(expected, abs=AGREEMENT)


def test_differences_all_alike_are_certain():
    assert against_zero(grid([[2, 2], [2, 2]])).p == 0.0
    assert against_zero(grid([[0, 0], [0, 0]])).p == 1.0


@pytest.mark.parametrize(
    ("first", "second", "difference", "pairs", "reason"),
    [
        ([0, 1], [], None, 0, "no shared cell"),
        ([0, 1], [2, 3], None, 0, "no shared cell"),
        ([0, 1, 2], [1, 2, 3], 1.0, 2, "2 of the 3 shared cells that a claim needs"),
    ],
)
def test_too_few_shared_cells_give_no_claim(first, second, difference, pairs, reason):
    found = paired_test({cell(seed): 2.0 for seed in first}, {cell(seed): 1.0 for seed in second})
    assert (found.difference, found.pairs, found.p, found.reason) == (
        difference,
        pairs,
        None,
        reason,
    )
    assert not found.is_clear


def test_one_model_seed_gives_no_claim():
    found = against_zero(grid([[1, 2, 3, 4]]))
    assert found.p is None
    assert found.reason == "all shared cells are of one model seed"


def test_three_shared_cells_are_enough():
    assert against_zero(grid([[1], [2], [4]])).p is not None


# The paired test: agreement with SciPy


@pytest.mark.parametrize("models", [3, 5, 20])
def test_with_one_forget_set_it_is_scipys_paired_t_test(models):
    first, second = np.random.default_rng(models).normal(size=(2, models, 1))
    found = paired_test(grid(first), grid(second))
    expected = stats.ttest_rel(first[:, 0], second[:, 0])
    assert found.p == pytest.approx(expected.pvalue, abs=AGREEMENT)
    assert found.difference == pytest.approx(np.mean(first - second), abs=ROUNDING)


def test_where_models_alone_differ_it_is_scipys_t_test_on_their_means():
    # All forget sets alike: six cells are three values, and not six.
    values = [0.3, 0.9, 1.4]
    found = against_zero(grid([[value, value] for value in values]))
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=AGREEMENT)


def test_method_seeds_of_one_cell_are_one_value():
    values = [0.3, 0.9, 1.4]
    thrice = {cell(model, 0, run): values[model] for model, run in product(range(3), range(3))}
    expected = stats.ttest_1samp(values, 0).pvalue
    assert against_zero(thrice).p == pytest.approx(expected, abs=AGREEMENT)
