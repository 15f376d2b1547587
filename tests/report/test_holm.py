"""Holm's correction: by hand, and between SciPy's neighbours of it."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from ser_unlearn.report.holm import holm


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
