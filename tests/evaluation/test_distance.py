"""How far a model is from retraining, in units of how far retraining is from itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ser_unlearn.evaluation import distance
from ser_unlearn.evaluation.distance import JOINED, SETS, Retraining

ONE = {"forget": [0], "retain": [1], "test": [2]}
"""One utterance a set."""


def logits(*sure: float) -> NDArray[np.float32]:
    """What a model says that gives the first of two emotions these probabilities."""
    return np.log([[p, 1 - p] for p in sure]).astype(np.float32)


def divergence(p: float, q: float) -> float:
    """Of two models that give the first of two emotions these probabilities, in nats."""

    def entropy(share: float) -> float:
        return -sum(each * math.log(each) for each in (share, 1 - share) if each)

    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def test_it_is_the_divergence_over_that_of_the_references_from_each_other():
    # On the test set all are equally sure.
    references = [logits(0.2, 0.9, 0.7), logits(0.4, 0.9, 0.7), logits(0.6, 0.9, 0.3)]
    found = Retraining(references, ONE, logits(0.7, 0.1, 0.4)).metrics(logits(0.9, 0.8, 0.3))
    # Each reference against the mean of the two others, and 8/9 of that.
    forget = 8 / 9 * (divergence(0.2, 0.5) + 0 + divergence(0.6, 0.3)) / 3
    test = 8 / 9 * (divergence(0.7, 0.5) + divergence(0.7, 0.5) + divergence(0.3, 0.7)) / 3
    mean = (0.7 + 0.7 + 0.3) / 3
    expected = {
        "divergence_forget": divergence(0.9, 0.4),
        "divergence_retain": divergence(0.8, 0.9),
        "divergence_test": divergence(0.3, mean),
        "divergence_original": (divergence(0.9, 0.7) + divergence(0.3, 0.4)) / 2,
        "distance": math.sqrt(divergence(0.9, 0.4) / forget * divergence(0.3, mean) / test),
    }
    # Logits are in single precision.
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.3, 1.7, 4.0])
def test_softening_or_sharpening_all_outputs_brings_nobody_nearer(temperature: float):
    seeds = Seeds(1)
    retraining, model = seeds.retraining(4), seeds.model()
    found, moved = (retraining.metrics(each) for each in (model, model / np.float32(temperature)))
    # Logits are in single precision.
    assert moved["distance"] == pytest.approx(found["distance"], rel=1e-5)
    # Unlike the divergences of the outputs as they are: softened a little, a model is nearer.
    assert moved["divergence_test"] != pytest.approx(found["divergence_test"], rel=0.05)


def test_a_model_is_as_far_as_it_is_sure_of_other_utterances():
    references = [logits(0.6, 0.9, 0.8), logits(0.8, 0.9, 0.8), logits(0.7, 0.9, 0.2)]
    # Its logits on the test set are twice those of the references, on the forget set too.
    odds = 2 * math.log(0.7 / 0.3)
    model = logits(1 / (1 + math.exp(-odds)), 0.9, 0.8**2 / (0.8**2 + 0.2**2))
    retraining = Retraining(references, ONE, model)
    forget = 8 / 9 * (divergence(0.6, 0.75) + divergence(0.8, 0.65) + 0) / 3
    assert retraining.spread["forget"] == pytest.approx(forget, abs=1e-6)
    assert retraining.ratios(model)["forget"] == pytest.approx(0, abs=1e-4)


def test_a_model_that_says_the_same_of_all_has_a_distance_too():
    seeds = Seeds(2)
    retraining = seeds.retraining(3)
    assert retraining.metrics(np.zeros((1200, 5), np.float32))["distance"] > 1.5


def test_where_references_agree_there_is_no_unit():
    same = [logits(0.2, 0.9, 0.5)] * 3
    found = Retraining(same, ONE, same[0]).metrics(logits(0.9, 0.8, 0.6))
    assert found["distance"] is None
    assert found["divergence_forget"] == pytest.approx(divergence(0.9, 0.2), abs=1e-6)


class Seeds:
    """Models that answer alike but for what their seed adds, of 400 utterances in each set."""

    def __init__(self, seed: int) -> None:
        self.sets = {name: range(400 * place, 400 * (place + 1)) for place, name in enumerate(SETS)}
        self._random = np.random.default_rng(seed)
        self._common = 2 * self._random.standard_normal((1200, 5))

    def model(self) -> NDArray[np.float32]:
        own = self._random.standard_normal(self._common.shape)
        return (self._common + own).astype(np.float32)

    def retraining(self, count: int) -> Retraining:
        return Retraining([self.model() for _ in range(count)], self.sets, self.model())


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_one_more_retrained_model_is_at_one(count: int):
    seeds = Seeds(count)
    found = []
    for _ in range(20):
        retraining = seeds.retraining(count)
        found.append(retraining.metrics(seeds.model())["distance"])
    # The correction is that of squared distances; of two references 4 % is left.
    assert np.mean(found) == pytest.approx(1, abs=0.05)


def test_a_model_that_knows_the_forget_set_is_farther():
    seeds = Seeds(0)
    retraining = seeds.retraining(5)
    knowing = seeds.model()
    knowing[seeds.sets["forget"]] *= 3
    found = retraining.metrics(knowing)
    assert found["distance"] > 1.2
    assert found["divergence_test"] / retraining.spread["test"] == pytest.approx(1, abs=0.1)


@given(
    st.integers(2, 5).flatmap(
        lambda count: st.lists(
            st.lists(st.floats(-8, 8, width=32), min_size=6, max_size=6),
            min_size=count + 1,
            max_size=count + 1,
        )
    )
)
@example([[0, 0, 0, 0, 0, 1.828239087897643e-10], [0] * 6, [0] * 6])
def test_neither_order_nor_a_constant_matters(values: list[list[float]]):
    model, *references = (np.array(each, np.float32).reshape(3, 2) for each in values)
    found = Retraining(references, ONE, model).metrics(model)
    turned = Retraining([each + 1 for each in references[::-1]], ONE, model + 2).metrics(model - 1)
    for name in SETS:
        assert turned[f"divergence_{name}"] == pytest.approx(found[f"divergence_{name}"], abs=1e-6)
        assert 0 <= found[f"divergence_{name}"] <= math.log(2) + 1e-12
    assert set(JOINED) < set(SETS)


def test_the_divergence_of_two_models_is_the_mean_over_utterances():
    found = distance.divergence(logits(0.2, 0.9), logits(0.6, 0.3))
    # Logits are in single precision.
    assert found == pytest.approx((divergence(0.2, 0.6) + divergence(0.9, 0.3)) / 2, rel=1e-6)
    assert distance.divergence(logits(0.2), logits(0.2)) == 0
