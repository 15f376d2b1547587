"""Whether attacks tell a model from retrained ones: by hand, and how often they are wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import t

from ser_unlearn.evaluation.membership.telling import shift, told

PAIRS = 1024


def areas(*probits):
    """By attack, areas at these places of the probit scale."""
    return {f"attack {number}": float(ndtr(each)) for number, each in enumerate(probits)}


def test_one_attack_by_hand():
    # Mean 0 and variance 0.01 on the probit scale; the attacks' mean variance is its own. With two
    # references there are 2 degrees of freedom: of 0.05, t is 4.303, times sqrt(1.5) and 0.1.
    references = [areas(0.1 / 2**0.5), areas(-0.1 / 2**0.5)]
    edge = t.ppf(0.975, 2) * 1.5**0.5 * 0.1
    for side in (1, -1):
        assert told(areas(side * edge * 1.001), references, PAIRS) == {"attack 0": True}
        assert told(areas(side * edge * 0.999), references, PAIRS) == {"attack 0": False}


def test_an_attack_borrows_the_spread_of_others():
    # The first's references agree by chance; what moves it is small beside the second's spread.
    references = [areas(0.3, -0.4), areas(0.3, 0.4), areas(0.3, 0.0)]
    assert not any(told(areas(0.5, 0.0), references, PAIRS).values())


def test_where_all_references_agree_an_area_counts_by_what_it_can_show():
    references = [areas(0.0)] * 3
    # With 4 pairs areas come in steps of 1/8: one step says nothing; with 1,024 it is many.
    assert told({"attack 0": 0.625}, references, 4) == {"attack 0": False}
    assert told({"attack 0": 0.625}, references, PAIRS) == {"attack 0": True}


@given(st.permutations(range(3)), st.integers(0, 1000))
def test_the_order_of_references_and_attacks_does_not_matter(order, seed):
    random = np.random.default_rng(seed)
    model, references = (
        areas(*random.normal(size=4)),
        [areas(*random.normal(size=4)) for _ in "abc"],
    )
    turned = [dict(reversed(references[place].items())) for place in order]
    assert told(dict(reversed(model.items())), turned, PAIRS) == told(model, references, PAIRS)


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("alike", [0.0, 0.7, 0.99])
def test_one_more_retrained_model_is_rarely_told_and_a_moved_one_is(count, alike):
    random = np.random.default_rng(count)

    def drawn(moved=0.0):
        own, shared = random.normal(size=7), random.normal()
        places = 0.2 * (np.sqrt(1 - alike) * own + np.sqrt(alike) * shared)
        places[1] += moved
        return areas(*places)

    wrong = right = 0
    for _ in range(400):
        references = [drawn() for _ in range(count)]
        wrong += any(told(drawn(), references, PAIRS).values())
        right += any(told(drawn(-2.4), references, PAIRS).values())
    # The docstring has at most 6.2 %, and the standard error is 1.2 %.
    assert wrong / 400 < 0.10
    # From an area of 0.5 to one of 0.01.
    assert right / 400 > 0.9


def test_the_shift_is_the_largest_on_either_side():
    references = [{"a": 0.4, "b": 0.5}, {"a": 0.6, "b": 0.7}]
    assert shift({"a": 0.1, "b": 0.8}, references) == pytest.approx(0.4, abs=1e-15)  # a sum of two
