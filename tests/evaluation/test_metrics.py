"""Every metric against values worked out by hand, and against scikit-learn and SciPy."""

import math

import numpy as np
import pytest
import sklearn.metrics
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from ser_unlearn.evaluation import metrics

# Two implementations of one formula in double precision agree to far more digits than this; the
# worst loss of digits is in the square root that jensenshannon takes and the test squares again.
AGREEMENT = 1e-6

LN2 = math.log(2)


def logits_for(predictions, classes=3):
    """Logits whose largest is that of the prediction."""
    return np.eye(classes, dtype=np.float32)[predictions]


@pytest.fixture(params=range(5))
def drawn(request):
    """Random logits [40, 5] of a sensible size, other such logits, and labels [40]."""
    random = np.random.default_rng(request.param)
    first, second = (3 * random.standard_normal((2, 40, 5))).astype(np.float32)
    labels = np.concatenate([np.arange(5), random.integers(0, 5, 35)])  # every class occurs
    return first, second, labels


def test_accuracy_is_the_share_classified_right():
    logits = logits_for([0, 1, 2, 2])
    assert metrics.accuracy(logits, np.array([0, 1, 2, 0])) == 0.75  # 3 of 4


def test_accuracy_agrees_with_scikit_learn(drawn):
    logits, _, labels = drawn
    expected = sklearn.metrics.accuracy_score(labels, logits.argmax(1))
    assert metrics.accuracy(logits, labels) == pytest.approx(expected, abs=AGREEMENT)


def test_uar_gives_every_emotion_the_same_weight():
    # Emotion 0: 3 of 4 right; emotion 1: 0 of 1. (3/4 + 0) / 2 = 0.375, where accuracy is 0.6.
    logits = logits_for([0, 0, 0, 1, 0])
    assert metrics.unweighted_average_recall(logits, np.array([0, 0, 0, 0, 1])) == 0.375


def test_uar_leaves_out_emotions_that_do_not_occur():
    # Emotion 2 is predicted once but never the label: the mean is over emotions 0 and 1.
    logits = logits_for([0, 2, 1])
    assert metrics.unweighted_average_recall(logits, np.array([0, 0, 1])) == 0.75


def test_uar_agrees_with_balanced_accuracy_of_scikit_learn(drawn):
    logits, _, labels = drawn
    expected = sklearn.metrics.balanced_accuracy_score(labels, logits.argmax(1))
    found = metrics.unweighted_average_recall(logits, labels)
    assert found == pytest.approx(expected, abs=AGREEMENT)


@pytest.mark.parametrize(
    ("original", "unlearned", "expected"),
    [
        (0.8, 0.6, 0.25),  # 0.2 / 0.8
        (0.8, 0.8, 0.0),
        (0.8, 0.0, 1.0),
        (0.5, 0.75, -0.5),  # the model got better: -0.25 / 0.5
        (0.0, 0.5, 0.0),  # there was nothing to take
    ],
)
def test_relative_forgetting(original, unlearned, expected):
    # Values near 1, and one rounding: a few units in the last of 16 digits.
    assert metrics.relative_forgetting(original, unlearned) == pytest.approx(expected, abs=1e-12)


def test_gap_to_retrain_is_the_mean_of_four_differences_in_points():
    unlearned = {"forget": 0.5, "retain": 0.9, "test": 0.6, "mia": 0.55}
    retrained = {"forget": 0.6, "retain": 1.0, "test": 0.6, "mia": 0.5}
    # (0.1 + 0.1 + 0 + 0.05) / 4 = 0.0625
    assert metrics.gap_to_retrain(unlearned, retrained) == pytest.approx(6.25, abs=1e-12)


def test_gap_to_retrain_ignores_other_keys_and_is_zero_for_equals():
    accuracies = {"forget": 0.5, "retain": 0.9, "test": 0.6, "mia": 0.55}
    assert metrics.gap_to_retrain({**accuracies, "heldout": 0}, accuracies) == 0


def test_tug_of_war_is_a_product_of_three():
    unlearned = {"forget": 0.5, "retain": 0.9, "test": 0.8}
    retrained = {"forget": 0.7, "retain": 1.0, "test": 0.6}
    # 0.8 * 0.9 * 0.8 = 0.576
    assert metrics.tug_of_war(unlearned, retrained) == pytest.approx(0.576, abs=1e-12)


def test_tug_of_war_is_one_for_equals_and_zero_for_the_opposite():
    ones, zeros = (dict.fromkeys(("forget", "retain", "test"), value) for value in (1.0, 0.0))
    assert metrics.tug_of_war(ones, ones) == 1
    assert metrics.tug_of_war(ones, zeros) == 0


def test_jensen_shannon_by_hand():
    # First row: middle (1/2, 1/2); both divergences from it are 3/4 ln(3/2) + 1/4 ln(1/2).
    p = np.array([[0.75, 0.25], [0.3, 0.7]])
    q = np.array([[0.25, 0.75], [0.3, 0.7]])
    expected = [0.75 * math.log(1.5) + 0.25 * math.log(0.5), 0]
    # A sum of two products in double precision.
    assert metrics.jensen_shannon(p, q) == pytest.approx(expected, abs=1e-15)


def test_jensen_shannon_is_ln_2_at_most():
    sure = np.array([[1.0, 0.0]])
    assert metrics.jensen_shannon(sure, sure[:, ::-1]) == pytest.approx([LN2], abs=1e-15)


def test_jensen_shannon_agrees_with_scipy(drawn):
    first, second, _ = drawn
    p, q = (softmax(each.astype(np.float64), axis=1) for each in (first, second))
    expected = jensenshannon(p, q, axis=1) ** 2
    assert metrics.jensen_shannon(p, q) == pytest.approx(expected, abs=AGREEMENT)
    assert metrics.jensen_shannon(q, p) == pytest.approx(expected, abs=AGREEMENT)


def test_every_metric_says_what_it_means():
    for name, metric in metrics.METRICS.items():
        assert metric.meaning, name
        assert metric.better in {"higher", "lower", "retrained", "neither"}, name
