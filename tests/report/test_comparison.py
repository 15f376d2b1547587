"""Comparisons between methods: hand-computed values, SciPy's, and what they claim by chance."""

from __future__ import annotations

import math
import os
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from ser_unlearn.report.comparison import Cell, best_of, compare_with, holm, paired_test, ranks

# Sums of a few dozen numbers of at most 100, and quantities made of them.
ROUNDING = 1e-9
# The project's bound for agreement with another implementation.
AGREEMENT = 1e-6


def cell(model=0, forget=0, method=0, corpus="c", recipe="r", scenario="random:16"):
    return Cell(corpus, recipe, scenario, model, forget, method)


def grid(table):
    """Values by cell, from rows of model seeds with a column for each forget set."""
    return {
        cell(model, forget): float(value)
        for model, row in enumerate(table)
        for forget, value in enumerate(row)
    }


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


# Holm's correction


@pytest.mark.parametrize(
    ("raw", "corrected"),
    [
        ([], []),
        ([0.03], [0.03]),
        # 0.01 * 3, 0.02 * 2, 0.04 * 1.
        ([0.01, 0.02, 0.04], [0.03, 0.04, 0.04]),
        # 0.005 * 4 = 0.02; 0.01 * 3 = 0.03; 0.03 * 2 = 0.06; 0.04 * 1 is raised to 0.06.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.9, 0.2], [1.0, 1.0, 0.6]),
        ([0.02, 0.02], [0.04, 0.04]),
    ],
)
def test_holm_by_hand(raw, corrected):
    assert holm(raw) == pytest.approx(corrected, abs=1e-12)  # one product each


chances = st.lists(st.floats(0, 1), max_size=20)


@given(chances)
def test_holm_is_never_below_the_raw_and_keeps_their_order(raw):
    corrected = holm(raw)
    assert all(before <= after <= 1 for before, after in zip(raw, corrected, strict=True))
    order = sorted(range(len(raw)), key=raw.__getitem__)
    assert [corrected[place] for place in order] == sorted(corrected)


@given(chances)
def test_holm_lies_between_scipys_false_discovery_rate_and_bonferroni(raw):
    # Benjamini and Hochberg's correction is never larger than Holm's, nor Holm's than Bonferroni's.
    assume(raw)
    discovery = stats.false_discovery_control(raw)
    for low, found, p in zip(discovery, holm(raw), raw, strict=True):
        assert low <= found + 1e-12  # a product and a quotient
        assert found <= min(1, len(raw) * p)


@given(chances, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(raw, shuffler):
    order = list(range(len(raw)))
    shuffler.shuffle(order)
    shuffled = holm([raw[place] for place in order])
    assert shuffled == [holm(raw)[place] for place in order]


@given(chances, st.floats(0, 1))
def test_holm_raises_what_stands_beside_one_more(raw, another):
    beside = holm([*raw, another])[:-1]
    assert all(before <= after for before, after in zip(holm(raw), beside, strict=True))


# Several methods


def three_methods():
    """ "good" is best by 10 in every cell, "close" worse by about 0; "bad" has two cells."""
    noise = [[0.0, 0.3], [0.2, -0.4], [-0.1, 0.1]]
    good = grid([[20 + value for value in row] for row in noise])
    close = {place: value - 0.01 * (-1) ** sum(place[3:]) - 0.001 for place, value in good.items()}
    far = grid([[10.1, 10.0], [9.9, 10.2], [10.0, 10.1]])
    few = {cell(0, 0): 1.0, cell(1, 1): 2.0}
    return {"good": good, "close": close, "far": far, "few": few}


def test_one_against_the_others_corrects_for_their_number():
    found = compare_with(three_methods(), "good")
    assert list(found) == ["close", "far", "few"]
    assert found["few"].corrected is None
    assert found["few"].reason == "2 of the 3 shared cells that a claim needs"
    # Two were tested, not three.
    raw = [found[label].p for label in ("close", "far")]
    assert [found[label].corrected for label in ("close", "far")] == holm(raw)
    assert found["far"].corrected == pytest.approx(2 * found["far"].p, abs=1e-12)  # a product
    assert found["far"].difference == pytest.approx(10, abs=0.1)  # noise's means


def test_the_best_and_what_cannot_be_told_from_it():
    values = three_methods()
    # Over the two cells that all share.
    found = best_of(values, "higher")
    assert found.label == "good"
    assert found.undecided == {"close", "few"}
    assert found.rivals["far"].is_clear
    assert found.rivals == compare_with(values, "good")


def test_lower_is_better_where_it_is():
    values = three_methods()
    del values["few"]
    assert best_of(values, "lower").label == "far"
    assert best_of(values, "lower").undecided == frozenset()


def test_means_are_compared_over_the_cells_that_all_share():
    # "lucky" has the higher mean of its own, for it has no value where all are low.
    values = {
        "steady": {cell(0): 9.0, cell(1): 9.0, cell(2): 1.0},
        "lucky": {cell(0): 8.0, cell(1): 8.0},
        "absent": {},
    }
    found = best_of(values, "higher")
    assert found.label == "steady"
    assert found.rivals["absent"].reason == "no shared cell"


def test_equal_means_give_the_first_label_and_no_difference():
    same = grid([[1, 2], [3, 4]])
    found = best_of({"b": same, "a": dict(same)}, "higher")
    assert found.label == "a"
    assert found.rivals["b"].corrected == 1.0


@pytest.mark.parametrize("values", [{}, {"a": {}}, {"a": {cell(0): 1.0}, "b": {cell(1): 1.0}}])
def test_without_a_shared_cell_there_is_no_best(values):
    found = best_of(values, "higher")
    assert (found.label, found.rivals, found.undecided) == (None, {}, frozenset())


def test_a_method_alone_is_the_best():
    found = best_of({"a": grid([[1], [2]])}, "lower")
    assert (found.label, found.rivals) == ("a", {})


# Ranks


def test_ranks_by_hand():
    # Lower is better. Ranks 1 2 3; 1 3 2; 2 1 3; 1.5 1.5 3.
    table = {"a": [1, 1, 5, 2], "b": [2, 9, 4, 2], "c": [3, 4, 6, 7]}
    found = ranks(
        {label: grid([[value] for value in row]) for label, row in table.items()}, "lower"
    )
    assert found.means == pytest.approx({"a": 5.5 / 4, "b": 7.5 / 4, "c": 11 / 4}, abs=ROUNDING)
    assert found.cells == 4
    # 12 / (N k (k + 1)) * (5.5^2 + 7.5^2 + 11^2) - 3 N (k + 1) = 207.5 / 4 - 48 = 3.875, over
    # 1 - (2^3 - 2) / (N k (k^2 - 1)) = 1 - 6 / 96 for the one tie of two.
    assert found.friedman == pytest.approx(3.875 / 0.9375, abs=ROUNDING)
    # With 2 degrees of freedom, P(chi-squared > x) = exp(-x / 2).
    assert found.p == pytest.approx(math.exp(-3.875 / 0.9375 / 2), abs=ROUNDING)


@pytest.mark.parametrize(
    # q / sqrt(2) as Demšar 2006 prints it (table 5a); his example of 4 methods on 14 sets is 1.25.
    ("methods", "quantile"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (10, 3.164)],
)
def test_nemenyis_critical_difference_is_as_printed(methods, quantile):
    random = np.random.default_rng(0)
    found = ranks({str(k): grid(random.normal(size=(14, 1))) for k in range(methods)}, "higher")
    expected = quantile * math.sqrt(methods * (methods + 1) / (6 * 14))
    # Half a unit of the last printed digit, times the root, which is at most 1.15.
    assert found.critical_difference == pytest.approx(expected, abs=0.0006)


def test_friedman_agrees_with_scipy_and_with_the_direction_turned():
    random = np.random.default_rng(1)
    tables = random.integers(0, 6, size=(5, 4, 3)).astype(float)  # with ties
    values = {f"m{number}": grid(table) for number, table in enumerate(tables)}
    expected = stats.friedmanchisquare(*(table.ravel() for table in tables))
    higher, lower = ranks(values, "higher"), ranks(values, "lower")
    for found in (higher, lower):
        assert (found.friedman, found.p) == pytest.approx(tuple(expected), abs=AGREEMENT)
    for label in values:
        assert higher.means[label] + lower.means[label] == pytest.approx(6, abs=ROUNDING)


def test_methods_that_tie_everywhere_do_not_differ():
    found = ranks({label: grid([[1, 1], [1, 1]]) for label in "abc"}, "lower")
    assert found.means == {"a": 2.0, "b": 2.0, "c": 2.0}
    assert (found.friedman, found.p) == (0.0, 1.0)


def test_what_has_too_little_to_rank():
    one, two = grid([[1], [2]]), grid([[3], [1]])
    assert ranks({"a": one, "b": two}, "lower").friedman is None
    assert ranks({"a": one, "b": two}, "lower").critical_difference is not None
    assert ranks({"a": one}, "lower").critical_difference is None
    single = ranks({label: grid([[number]]) for number, label in enumerate("abc")}, "lower")
    assert single.means == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert (single.friedman, single.critical_difference) == (None, None)
    assert ranks({"a": one, "b": {}}, "lower").means == {"a": 1.0}
    assert ranks({"a": {}}, "lower").means == {}


# Properties

# Steps of 1/8: sums and differences are exact, and so are ties.
numbers = st.integers(-400, 400).map(lambda number: number / 8)
cells = st.builds(
    cell, st.integers(0, 3), st.integers(0, 2), st.integers(0, 1), st.sampled_from(["c", "d"])
)
methods = st.dictionaries(cells, numbers, min_size=3, max_size=10)
labelled = st.dictionaries(st.sampled_from("abcde"), methods, min_size=2)


@given(methods, methods)
def test_the_paired_test_is_symmetric(first, second):
    one, other = paired_test(first, second), paired_test(second, first)
    assert one.p == other.p
    assert (one.pairs, one.reason) == (other.pairs, other.reason)
    if one.difference is not None:
        assert one.difference == -other.difference


@given(methods, methods, st.sampled_from([0.25, 2.0, 64.0]), numbers)
def test_the_paired_test_has_no_unit(first, second, scale, shift):
    # A power of two scales without rounding; the shift cancels in the differences.
    moved = paired_test(
        *({key: scale * (value + shift) for key, value in each.items()} for each in (first, second))
    )
    found = paired_test(first, second)
    if found.p is None:
        assert moved.p is None
    else:
        assert moved.p == pytest.approx(found.p, abs=ROUNDING)


def shuffled(values, shuffler):
    """The same values, with methods and cells in another order."""

    def mix(mapping):
        keys = list(mapping)
        shuffler.shuffle(keys)
        return {key: mapping[key] for key in keys}

    return mix({label: mix(found) for label, found in values.items()})


@settings(deadline=None)
@given(labelled, st.randoms(use_true_random=False), st.sampled_from(["higher", "lower"]))
def test_the_order_of_methods_and_cells_does_not_matter(values, shuffler, direction):
    other = shuffled(values, shuffler)
    assert best_of(other, direction) == best_of(values, direction)
    assert ranks(other, direction) == ranks(values, direction)


@settings(deadline=None)
@given(labelled)
def test_a_turned_sign_is_a_turned_direction(values):
    negative = {
        label: {key: -value for key, value in found.items()} for label, found in values.items()
    }
    one, other = best_of(values, "higher"), best_of(negative, "lower")
    assert (one.label, one.undecided) == (other.label, other.undecided)
    assert ranks(values, "higher") == ranks(negative, "lower")


@settings(deadline=None)
@given(labelled, st.sampled_from(["higher", "lower"]))
def test_mean_ranks_add_up(values, direction):
    found = ranks(values, direction)
    count = len(found.means)
    # Sums of halves over a few cells.
    assert sum(found.means.values()) == pytest.approx(count * (count + 1) / 2, abs=ROUNDING)


# What is claimed by chance, and what is found


def draw_methods(random, shape, shares, effects):
    """Methods that differ by their effects, and by chance in these shares of the variance.

    Args:
        random: NumPy's generator.
        shape: number of model seeds and of forget sets.
        shares: of model seed, forget set and rest.
        effects: what each method's values lie above, in standard deviations of a value.
    """
    by_model, by_forget, rest = np.sqrt(shares)
    return {
        f"m{number}": grid(
            effect
            + by_model * random.normal(size=(shape[0], 1))
            + by_forget * random.normal(size=(1, shape[1]))
            + rest * random.normal(size=shape)
        )
        for number, effect in enumerate(effects)
    }


@pytest.mark.parametrize(
    ("shape", "shares"),
    [
        ((5, 1), (0.0, 0.0, 1.0)),  # a plain paired t-test, whose rate is exact
        ((3, 2), (0.04, 0.2, 0.76)),  # about what the records show
        ((5, 5), (0.04, 0.2, 0.76)),
        ((5, 5), (1.0, 0.0, 0.0)),  # 25 cells that say no more than five
    ],
)
def test_any_false_alarm_among_six_methods_is_as_rare_as_promised(shape, shares):
    seed = int.from_bytes(os.urandom(8), "big")
    random = np.random.default_rng(seed)
    count = 400
    alarms = 0
    for _ in range(count):
        found = compare_with(draw_methods(random, shape, shares, [0] * 6), "m0")
        alarms += any(each.is_clear for each in found.values())
    # At a rate of 5 %, more than this happen in fewer than 1 of 100,000 runs.
    assert alarms <= stats.binom.isf(1e-5, count, 0.05), seed


def test_without_correction_there_would_be_more_alarms():
    # That the test above can fail: five uncorrected tests against one method err in 17 % or so.
    seed = int.from_bytes(os.urandom(8), "big")
    random = np.random.default_rng(seed)
    count = 800
    alarms = 0
    for _ in range(count):
        found = compare_with(draw_methods(random, (5, 1), (0, 0, 1), [0] * 6), "m0")
        alarms += any(each.p < 0.05 for each in found.values())
    assert alarms > stats.binom.isf(1e-5, count, 0.05), seed


def test_one_true_null_among_clear_differences_is_kept():
    # Holm's correction gives way after each true difference, but not beyond 5 %: "m1" does not
    # differ from "m0".
    seed = int.from_bytes(os.urandom(8), "big")
    random = np.random.default_rng(seed)
    count = 400
    alarms = 0
    for _ in range(count):
        values = draw_methods(random, (5, 5), (0, 0, 1), [0, 0, -50, -50])
        alarms += compare_with(values, "m0")["m1"].is_clear
    assert alarms <= stats.binom.isf(1e-5, count, 0.05), seed


def test_a_clear_effect_is_found():
    # Five models by five forget sets; the best by 10 deviations of a value. By a variance of the
    # mean difference of 2 * (0.04 / 5 + 0.2 / 5 + 0.76 / 25) = 0.16, that is 25 standard errors;
    # Holm's first step among 5 asks for t = 3.4 to 4.6 (8 to 4 degrees of freedom).
    seed = int.from_bytes(os.urandom(8), "big")
    random = np.random.default_rng(seed)
    found = best_of(draw_methods(random, (5, 5), (0.04, 0.2, 0.76), [0, 0, 10, 0, 0, 0]), "higher")
    assert found.label == "m2", seed
    assert found.undecided == frozenset(), seed


def test_six_cells_tell_large_differences_only():
    # The docstring's 85 % for five deviations of a difference, in 300 experiments: a standard
    # error of 2 points; five of those.
    seed = int.from_bytes(os.urandom(8), "big")
    random = np.random.default_rng(seed)
    count = 300
    effects = [0.0, 5 * math.sqrt(2)]
    told = sum(
        compare_with(draw_methods(random, (3, 2), (0.04, 0.2, 0.76), effects), "m0")["m1"].is_clear
        for _ in range(count)
    )
    assert 0.75 <= told / count <= 0.95, seed
