"""What attacks read off logits, against SciPy, by hand, and where probabilities round to 1."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.evaluation.membership import signals
from ser_unlearn.recogniser.outputs import cross_entropy

# Two implementations of one formula in double precision agree to far more digits than this.
AGREEMENT = 1e-6


@pytest.fixture(params=range(5))
def drawn(request):
    """Random logits of 3 models [3, 40, 5] of a sensible size, and labels [40]."""
    random = np.random.default_rng(request.param)
    logits = (3 * random.standard_normal((3, 40, 5))).astype(np.float32)
    return logits, random.integers(0, 5, 40)


def test_by_hand():
    # Logits ln 6, ln 3, ln 1: probabilities 0.6, 0.3, 0.1.
    logits = np.log(np.array([[6.0, 3.0, 1.0]] * 3))
    labels = np.arange(3)
    expected = np.array([0.6, 0.3, 0.1])
    close = {"abs": 1e-12}  # a few roundings of numbers near 1
    assert signals.confidence(logits, labels) == pytest.approx(expected, **close)
    assert signals.loss(logits, labels) == pytest.approx(-np.log(expected), **close)
    odds = [math.log(6 / 4), math.log(3 / 7), math.log(1 / 9)]
    assert signals.scaled_logit(logits, labels) == pytest.approx(odds, **close)
    assert signals.correctness(logits, labels).tolist() == [1, 0, 0]
    assert signals.probabilities(logits)[0] == pytest.approx(expected, **close)
    entropy = -sum(p * math.log(p) for p in expected)
    assert signals.entropy(logits) == pytest.approx([entropy] * 3, **close)
    # Of label 1: -(1 - 0.3) ln 0.3 - 0.6 ln 0.4 - 0.1 ln 0.9.
    modified = -0.7 * math.log(0.3) - 0.6 * math.log(0.4) - 0.1 * math.log(0.9)
    assert signals.modified_entropy(logits, labels)[1] == pytest.approx(modified, **close)


def test_they_agree_with_scipy(drawn):
    logits, labels = drawn
    p = scipy.special.softmax(logits.astype(float), axis=-1)
    own = p[:, np.arange(40), labels]
    assert signals.confidence(logits, labels) == pytest.approx(own, abs=AGREEMENT)
    assert signals.loss(logits, labels) == pytest.approx(-np.log(own), abs=AGREEMENT)
    expected = scipy.special.logit(own)
    assert signals.scaled_logit(logits, labels) == pytest.approx(expected, abs=AGREEMENT)
    assert signals.probabilities(logits) == pytest.approx(p, abs=AGREEMENT)
    assert signals.entropy(logits) == pytest.approx(scipy.stats.entropy(p, axis=-1), abs=AGREEMENT)
    terms = -p * np.log1p(-p)
    terms[:, np.arange(40), labels] = -(1 - own) * np.log(own)
    assert signals.modified_entropy(logits, labels) == pytest.approx(
        terms.sum(axis=-1), abs=AGREEMENT
    )


def test_a_stack_of_models_is_each_model_by_itself(drawn):
    logits, labels = drawn
    for signal in (
        signals.scaled_logit,
        signals.loss,
        signals.confidence,
        signals.correctness,
        signals.modified_entropy,
    ):
        alone = [signal(model, labels) for model in logits]
        assert np.array_equal(signal(logits, labels), alone)


def test_the_loss_is_that_of_the_metrics(drawn):
    logits, labels = drawn
    expected = cross_entropy(logits[0], labels)
    assert signals.loss(logits[0], labels) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)  # the first call imports, on a machine that may be busy
@given(margin=st.floats(0, 300), label=st.integers(0, 1))
def test_certainty_is_not_rounded_away(margin, label):
    # Two classes: log(p / (1 - p)) is the difference of the logits, whatever its size. From a
    # probability in double precision it would be infinite from a margin of 37 on.
    logits = np.array([[margin, 0.0]])
    sign = 1 if label == 0 else -1
    own = np.array([label])
    assert signals.scaled_logit(logits, own)[0] == sign * margin
    loss = signals.loss(logits, own)[0]
    # ln(1 + e^-m) lies between e^-m / 2 and e^-m for m >= 0, and m more on the other side.
    if label == 0:
        assert math.exp(-margin) / 2 < loss <= math.exp(-margin)
    else:
        assert margin < loss <= margin + math.log(2) or loss == margin
    assert np.isfinite(signals.modified_entropy(logits, own)).all()
    assert np.isfinite(signals.entropy(logits)).all()


def test_the_logits_are_left_as_they_were(drawn):
    logits, labels = drawn
    before = logits.astype(np.float64)
    given = before.copy()
    signals.scaled_logit(given, labels)
    signals.modified_entropy(given, labels)
    assert np.array_equal(given, before)
