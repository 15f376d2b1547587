"""Areas and true-positive rates against scikit-learn; their intervals against what is known."""

import random

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score, roc_curve

from ser_unlearn.evaluation import membership
from ser_unlearn.evaluation.membership import roc

scores = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=40).map(np.array)


@settings(deadline=None)  # the first call imports, on a machine that may be busy
@given(members=scores, nonmembers=scores)
def test_they_agree_with_scikit_learn(members, nonmembers):
    truth = np.repeat([1, 0], [len(members), len(nonmembers)])
    together = np.concatenate([members, nonmembers])
    false_positive, true_positive, _ = roc_curve(truth, together, drop_intermediate=False)
    area, rate = (measure(members, nonmembers, seed=0) for measure in (roc.auc, roc.tpr))
    # The project's bound for agreement; both are sums of a few fractions.
    assert area.value == pytest.approx(roc_auc_score(truth, together), abs=1e-6)
    assert rate.value == pytest.approx(true_positive[false_positive <= 0.01].max(), abs=1e-6)
    for interval in (area, rate):
        assert 0 <= interval.low <= interval.value <= interval.high <= 1


@pytest.mark.parametrize("count", [99, 100, 199, 200, 250, 300])
def test_the_rate_is_that_of_the_older_function(count):
    drawn = np.random.default_rng(count)
    members, nonmembers = drawn.integers(0, 60, 150) / 10, drawn.integers(0, 50, count) / 10
    auc, tpr = membership.threshold_free(-members, -nonmembers)
    assert roc.auc(members, nonmembers, seed=0).value == pytest.approx(auc, abs=1e-12)
    assert roc.tpr(members, nonmembers, seed=0).value == pytest.approx(tpr, abs=1e-12)


def test_the_bootstrap_agrees_with_a_loop():
    drawn = np.random.default_rng(0)
    members, nonmembers = drawn.normal(1, 1, 30), -np.sort(drawn.normal(0, 1, 150))
    of_members, of_nonmembers = (
        counts.astype(int) for counts in roc._resamples(len(members), len(nonmembers), seed=3)
    )
    areas, rates = [], []
    for first, second in zip(of_members, of_nonmembers, strict=True):
        drawn_again = np.repeat(members, first), np.repeat(nonmembers, second)
        above = drawn_again[0][:, None] > drawn_again[1]
        areas.append(above.mean())
        rates.append((drawn_again[0] > np.sort(drawn_again[1])[-2]).mean())  # 1 % of 150 is one
    area, rate = (measure(members, nonmembers, seed=3) for measure in (roc.auc, roc.tpr))
    for found, resampled in ((area, areas), (rate, rates)):
        low, high = np.quantile(resampled, [0.025, 0.975])
        assert found.low <= low + 1e-12  # roundings of sums of fractions
        assert found.high >= high - 1e-12
    # The bootstrap knows that the threshold moves, and is the wider here: it is what is returned.
    assert rate.high == pytest.approx(np.quantile(rates, 0.975), abs=1e-12)


def test_perfect_separation_is_not_taken_for_certainty():
    members, nonmembers = np.arange(10.0) + 100, np.arange(20.0)
    area, rate = (measure(members, nonmembers, seed=0) for measure in (roc.auc, roc.tpr))
    assert (area.value, area.high, rate.value, rate.high) == (1, 1, 1, 1)
    # Newcombe's limit A solves 1 - A = z SE(A): checked here from the other side.
    deviation = scipy.stats.norm.ppf(0.975)
    spread = 1 + 14 * (1 - area.low) / (2 - area.low) + 14 * area.low / (1 + area.low)
    error = np.sqrt(area.low * (1 - area.low) * spread / 200)
    assert 1 - area.low == pytest.approx(deviation * error, abs=1e-9)  # brentq stops at 2e-12
    # Clopper and Pearson, 10 of 10: 0.025^(1/10).
    assert rate.low == pytest.approx(0.025**0.1, abs=1e-9)


def test_the_rate_of_none_found_is_bounded_by_clopper_and_pearson():
    members, nonmembers = np.arange(20.0), np.arange(30.0) + 100
    rate = roc.tpr(members, nonmembers, seed=0)
    assert (rate.value, rate.low) == (0, 0)
    assert rate.high == pytest.approx(1 - 0.025 ** (1 / 20), abs=1e-9)
    expected = scipy.stats.binomtest(0, 20).proportion_ci(method="exact").high
    assert rate.high == pytest.approx(expected, abs=1e-6)


def test_the_area_of_the_reverse_is_the_reverse():
    drawn = np.random.default_rng(1)
    members, nonmembers = drawn.normal(1, 1, 40), drawn.normal(0, 1, 60)
    found, reverse = roc.auc(members, nonmembers, 0), roc.auc(-members, -nonmembers, 0)
    assert (reverse.value, reverse.low, reverse.high) == pytest.approx(
        (1 - found.value, 1 - found.high, 1 - found.low), abs=1e-9
    )


def test_intervals_repeat_with_their_seed_and_widen_with_their_confidence():
    drawn = np.random.default_rng(2)
    members, nonmembers = drawn.normal(2, 1, 40), drawn.normal(0, 1, 200)
    for measure in (roc.auc, roc.tpr):
        found = measure(members, nonmembers, seed=5)
        assert measure(members, nonmembers, seed=5) == found
        wider = measure(members, nonmembers, seed=5, confidence=0.999)
        assert wider.low < found.low < found.high < wider.high


@pytest.mark.parametrize(("size", "shift"), [((16, 64), 0.0), ((16, 64), 2.5), ((64, 200), 1.2)])
def test_intervals_hold_the_truth_as_often_as_they_say(size, shift, monkeypatch):
    # Normal scores, whose area and rate are known. The intervals aim at 95 %; over 500 draws they
    # held the truth in 93 % at worst. Of 300, fewer than 252 do so with a probability of 2e-6 if
    # each does with 0.92. Fewer resamples than usual: it takes a second, not ten.
    monkeypatch.setattr(roc, "RESAMPLES", 200)
    seed = random.SystemRandom().getrandbits(32)
    drawn = np.random.default_rng(seed)
    area = ndtr(shift / np.sqrt(2))
    # The threshold is the sample's own; the rate to expect is that of the mean over many samples.
    accused = size[1] // 100
    many = np.sort(drawn.normal(0, 1, (4000, size[1])), axis=1)[:, -1 - accused]
    rate = ndtr(shift - many).mean()
    held = np.zeros(2)
    for _ in range(300):
        members, nonmembers = drawn.normal(shift, 1, size[0]), drawn.normal(0, 1, size[1])
        for place, (measure, truth) in enumerate(((roc.auc, area), (roc.tpr, rate))):
            found = measure(members, nonmembers, seed=0)
            held[place] += found.low <= truth <= found.high
    assert held.min() >= 252, f"seed {seed}: {held} of 300 intervals held the truth"
