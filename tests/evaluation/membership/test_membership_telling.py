"""Whether attacks tell a model from retrained ones: by hand, and how often they are wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from ser_unlearn.evaluation.membership import References, shift
from ser_unlearn.evaluation.membership.telling import PRIOR

QUANTILE = 0.015
"""Of the largest deviation, as a share of it: twice the standard error that 20,000 draws leave."""


def references(scores, members=16):
    """Of one attack; scores [K, M + N]."""
    return References([{"a": np.array(each, float)} for each in scores], members)


def of_rank(*members):
    """Scores of members that lie above so many of ten non-members, and of these."""
    return [*(rank - 0.5 for rank in members), *range(10)]


def test_one_attack_by_hand():
    # Each of two members lies one place higher in one of the two references, so that the areas
    # are the same. The first's share of the non-members below it varies by 0.1^2 / 2, and so does
    # the second's; they count for a quarter each. Of the non-members two, the fifth and the sixth,
    # lie below another half of the members: their shares vary by 0.5^2 / 2, a hundredth each.
    found = references([of_rank(4, 6), of_rank(5, 5)], members=2)
    assert [each["a"] for each in found.areas] == [0.5, 0.5]
    prior = 2 * 0.005 / 4 + 2 * 0.125 / 100
    assert found._covariance[0, 0] == pytest.approx(prior, abs=1e-15)  # a sum of twelve
    # With so few members, what one passes is more: half of 1 / 2.
    width = t.ppf(0.975, PRIOR + 1) * 1.5**0.5 * 0.25
    assert found.widths[0] == pytest.approx(width, rel=QUANTILE)


def test_more_variance_than_the_utterances_explain_counts_in_full():
    # All 16 members move together: areas of 0.4, 0.5 and 0.6.
    found = references([of_rank(*[rank] * 16) for rank in (4, 5, 6)])
    own = 0.01
    assert own > found._covariance[0, 0]
    width = t.ppf(0.975, PRIOR + 2) * (4 / 3) ** 0.5 * own**0.5
    assert found.widths[0] == pytest.approx(width, rel=QUANTILE)


def test_areas_that_agree_by_chance_are_not_trusted():
    # Each half of the members moves as far as the other moves back.
    up, down = [8] * 8 + [2] * 8, [2] * 8 + [8] * 8
    found = references([of_rank(*up), of_rank(*down)])
    assert found.areas[0] == found.areas[1]
    prior = found._covariance[0, 0]
    assert prior > (0.5 / 16) ** 2
    expected = t.ppf(0.975, PRIOR + 1) * 1.5**0.5 * (PRIOR * prior / (PRIOR + 1)) ** 0.5
    assert found.widths[0] == pytest.approx(expected, rel=QUANTILE)


def test_where_all_references_agree_one_utterance_is_not_told_and_many_are():
    found = references([of_rank(*[5] * 16)] * 3)
    assert found.told({"a": 0.5 + 0.5 / 16}) == {"a": False}
    assert found.told({"a": 0.9}) == found.told({"a": 0.1}) == {"a": True}


def test_attacks_that_are_one_cost_no_more_than_one():
    scores = np.random.default_rng(0).normal(size=(3, 48))
    one = References([{"a": each} for each in scores], 16)
    same = References([{"a": each, "b": each, "c": each} for each in scores], 16)
    assert same.widths == pytest.approx(np.repeat(one.widths, 3), rel=2 * QUANTILE)


@settings(deadline=None)  # the first call imports, on a machine that may be busy
@given(st.permutations(range(4)), st.integers(0, 1000))
def test_the_order_of_references_does_not_matter(order, seed):
    scores = np.random.default_rng(seed).normal(size=(4, 2, 48))
    found, turned = (
        References([{"a": one, "b": other} for one, other in chosen], 16)
        for chosen in (scores, scores[order])
    )
    assert turned.widths == pytest.approx(found.widths, rel=1e-9)  # sums in another order


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("alike", [0.0, 0.7, 0.99])
def test_one_more_retrained_model_is_rarely_told_and_a_moved_one_is(count, alike):
    # What models say of an utterance is half its own and half chance; attacks see it with noise.
    random = np.random.default_rng(count)
    members, others, attacks = 16, 64, 7
    names = [f"attack {number}" for number in range(attacks)]

    def model(utterances, moved=0.0):
        shared = random.normal(size=members + others)
        own = random.normal(size=(attacks, members + others))
        scores = utterances + np.sqrt(alike) * shared + np.sqrt(1 - alike) * own
        scores[1, :members] += moved
        return dict(zip(names, scores, strict=True))

    wrong = right = 0
    for _ in range(300):
        utterances = random.normal(size=members + others)
        found = References([model(utterances) for _ in range(count)], members)
        one_more, fake = (
            References([model(utterances, moved)] * 2, members).areas[0] for moved in (0, -3)
        )
        wrong += any(found.told(one_more).values())
        right += any(found.told(fake).values())
    # 5 % at most, and three standard errors of 1.3 %.
    assert wrong / 300 < 0.09
    # From an area of 0.5 to one of 0.02.
    assert right / 300 > 0.9


def test_the_shift_is_the_largest_on_either_side():
    references = [{"a": 0.4, "b": 0.5}, {"a": 0.6, "b": 0.7}]
    assert shift({"a": 0.1, "b": 0.8}, references) == pytest.approx(0.4, abs=1e-15)  # a sum of two
