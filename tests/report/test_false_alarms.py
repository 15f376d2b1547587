"""What comparisons claim by chance, and what they find."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from grids import grid
from scipy import stats

from ser_unlearn.report.comparison import best_of, compare_with


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
