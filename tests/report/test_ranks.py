"""Ranks of methods: by hand, as printed, and SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from grids import AGREEMENT, ROUNDING, grid
from scipy import stats

from ser_unlearn.report.comparison import ranks


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
