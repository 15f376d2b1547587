"""Scores of RMIA and IAM: by hand, and against plain loops."""

import itertools

import numpy as np
import pytest
import scipy.special
import scipy.stats
from margins import AGREEMENT, halves, of_margins, of_probabilities, scores, sure

from ser_unlearn.evaluation.membership import Evidence, Outputs, Shadows, signals
from ser_unlearn.evaluation.membership.interpolation import IAM
from ser_unlearn.evaluation.membership.rmia import RMIA

# RMIA


def rmia_evidence(x, x_shadows, x_mask, z, z_shadows, z_mask):
    """Evidence from probabilities."""
    return Evidence(
        sure(of_probabilities(x)),
        population=sure(of_probabilities(z)),
        shadows=Shadows(of_margins(of_probabilities(x_shadows)), np.array(x_mask)),
        population_shadows=Shadows(of_margins(of_probabilities(z_shadows)), np.array(z_mask)),
    )


def test_rmia_by_hand():
    evidence = rmia_evidence(
        x=[0.9], x_shadows=[[0.7], [0.3]], x_mask=[[True], [False]],
        z=[0.4, 0.6], z_shadows=[[0.5, 0.3], [0.3, 0.3]], z_mask=[[True, True], [False, False]],
    )  # fmt: skip
    # Online: x 0.9 / 0.5 = 1.8; z 0.4 / 0.4 = 1 and 0.6 / 0.3 = 2. x / z: 1.8 and 0.9.
    for gamma, expected in ((0.8, 1.0), (1.5, 0.5), (2.0, 0.0)):
        assert scores(RMIA(online=True, gamma=gamma), evidence).tolist() == [expected]
    # Offline, a = 0.3: all averages are (1.3 * 0.3 + 0.7) / 2; x / z: 0.9 / 0.4 and 0.9 / 0.6.
    for gamma, expected in ((1.4, 1.0), (2.0, 0.5), (2.3, 0.0)):
        assert scores(RMIA(online=False, gamma=gamma), evidence).tolist() == [expected]


@pytest.mark.parametrize("online", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_rmia_agrees_with_comparing_every_pair(online, seed):
    random = np.random.default_rng(seed)
    x, z = random.uniform(0.01, 0.99, 20), random.uniform(0.01, 0.99, 31)
    over_x, over_z = random.uniform(0.01, 0.99, (6, 20)), random.uniform(0.01, 0.99, (6, 31))
    x_mask, z_mask = halves(6, 20), halves(6, 31)
    z_mask[:, :5] = False  # never trained with: only the offline average is there
    attack = RMIA(online=online, gamma=1.3, a=0.4)

    def average(values, mask):
        without = values[~mask].mean()
        if online and mask.any():
            return (values[mask].mean() + without) / 2
        return (1.4 * without + 0.6) / 2

    expected = []
    for i in range(20):
        ratio = x[i] / average(over_x[:, i], x_mask[:, i])
        wins = [ratio / (z[j] / average(over_z[:, j], z_mask[:, j])) >= 1.3 for j in range(31)]
        expected.append(np.mean(wins))
    found = scores(attack, rmia_evidence(x, over_x, x_mask, z, over_z, z_mask))
    assert found == pytest.approx(expected, abs=AGREEMENT)


def test_rmia_without_a_model_that_never_saw_the_utterance_is_an_error():
    evidence = rmia_evidence([0.5], [[0.5]], [[True]], [0.5], [[0.5]], [[False]])
    with pytest.raises(ValueError, match="trained without it"):
        scores(RMIA(online=True), evidence)


# IAM


@pytest.mark.parametrize("models", [1, 5])
def test_iam_agrees_with_a_loop_over_its_steps(models):
    random = np.random.default_rng(models)
    labels = random.integers(0, 3, 12)
    target, original = random.normal(0, 2, (2, 12, 3))
    over_models = random.normal(0, 2, (models, 12, 3))
    mask = np.zeros((models, 12), bool)
    mask[1:] = halves(models, 12)[1:]  # model 0 never saw any
    evidence = Evidence(
        Outputs(target, labels), shadows=Shadows(over_models, mask), original=original
    )

    def signal(logits):
        # Mapped to 0..1, as the published code does: the score must not depend on it.
        p = signals.confidence(logits, labels)
        lowest, highest = (-np.log(0.01 - np.log(1e-5 + end)) for end in (0, 1))
        return (-np.log(0.01 - np.log(1e-5 + p)) - lowest) / (highest - lowest)

    steps = np.linspace(0, 1, 100)
    expected = np.zeros(12)
    for here, weight in itertools.pairwise(steps):
        between = signal(over_models) + here * (signal(original) - signal(over_models))
        between[mask] = np.nan
        scale = np.nanstd(between) * np.sqrt(6) / np.pi
        centre = np.nanmean(between, axis=0) - scale * np.euler_gamma
        expected += weight * scipy.stats.gumbel_r.cdf(signal(target), centre, scale)
    expected /= steps[1:].sum()
    assert scores(IAM(), evidence) == pytest.approx(expected, abs=AGREEMENT)


def test_iam_rises_from_as_if_never_heard_to_fitting():
    # Of twenty equal utterances the shadow model says 0 and the original 6; two more give the
    # signals a spread. The audited model goes from far below the one to above the other.
    spread = np.append(np.zeros(20), [-1, 1])
    evidence = Evidence(
        sure(np.append(np.linspace(-20, 20, 20), [0, 0])),
        shadows=Shadows(of_margins([spread]), np.zeros((1, 22), bool)),
        original=of_margins(6 + spread),
    )
    found = scores(IAM(), evidence)[:20]
    assert (np.diff(found) >= 0).all()
    assert found[0] == 0  # a Gumbel tail falls doubly exponentially
    assert 0.9 < found[-1] <= 1


def test_iam_without_a_model_that_never_saw_the_utterance_is_an_error():
    evidence = Evidence(
        sure([0.0]),
        shadows=Shadows(of_margins([[0.0]]), np.array([[True]])),
        original=of_margins([1.0]),
    )
    with pytest.raises(ValueError, match="trained without it"):
        scores(IAM(), evidence)
