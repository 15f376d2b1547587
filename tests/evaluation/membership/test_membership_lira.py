"""Scores of LiRA and U-LiRA, and the normal distributions below them: by hand, and SciPy's."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from margins import AGREEMENT, halves, of_margins, scores, sure

from ser_unlearn.evaluation.membership import Evidence, Shadows
from ser_unlearn.evaluation.membership import gaussians as gaussians_module
from ser_unlearn.evaluation.membership.gaussians import fit
from ser_unlearn.evaluation.membership.lira import LiRA
from ser_unlearn.evaluation.membership.ulira import ULiRA

# Normal distributions


def test_few_models_share_the_variance_around_each_mean():
    # Means 2 and 10; squared distances 1 + 1 and 4 + 0 + 4; over 2 - 1 + 3 - 1 degrees of freedom.
    values = np.array([[1.0, 8], [3, 10], [99, 12]])
    found = fit(values, np.array([[True, True], [True, True], [False, True]]))
    assert found.mean.tolist() == [2, 10]
    assert found.deviation == pytest.approx([np.sqrt(10 / 3)] * 2, abs=1e-12)


def test_many_models_give_each_utterance_its_own_variance():
    random = np.random.default_rng(0)
    values = random.normal(0, [1, 5], (64, 2))
    mask = halves(64, 2)
    found = fit(values, mask)
    for place in (0, 1):
        counted = values[mask[:, place], place]
        assert found.mean[place] == pytest.approx(counted.mean(), abs=AGREEMENT)
        assert found.deviation[place] == pytest.approx(counted.std(ddof=1), abs=AGREEMENT)
    # One model fewer, and they share.
    assert len(set(fit(values[1:], mask[1:]).deviation)) == 1


def test_densities_and_tails_agree_with_scipy():
    random = np.random.default_rng(1)
    found = fit(random.normal(0, 2, (5, 30)), np.ones((5, 30), bool))
    values = random.normal(0, 4, 30)
    given = {"loc": found.mean, "scale": found.deviation}
    density = scipy.stats.norm.logpdf(values, **given)
    assert found.log_density(values) == pytest.approx(density, abs=AGREEMENT)
    tail = -scipy.stats.norm.logsf(values, **given)
    assert found.surprise(values) == pytest.approx(tail, abs=AGREEMENT)


def test_values_that_never_vary_do_not_divide_by_zero():
    found = fit(np.ones((3, 2)), np.ones((3, 2), bool))
    assert (found.deviation == gaussians_module.SMALLEST_DEVIATION).all()
    assert np.isfinite(found.log_density(np.array([1.0, 100.0]))).all()


@pytest.mark.parametrize("mask", [[[True, False]] * 2, [[True, True], [False, False]]])
def test_an_utterance_without_models_is_an_error(mask):
    with pytest.raises(ValueError, match="needs a shadow model of each kind"):
        fit(np.zeros((2, 2)), np.array(mask))


# LiRA


def shadowed(seed=0, models=6, count=10):
    """Random margins of a target [N] and of shadow models [K, N], and evidence made from them."""
    random = np.random.default_rng(seed)
    target, over_models = random.normal(0, 2, count), random.normal(0, 2, (models, count))
    mask = halves(models, count)
    shadows = Shadows(of_margins(over_models), mask)
    return target, over_models, mask, Evidence(sure(target), shadows=shadows)


def pooled(over_models, mask):
    """Means [N] and the one standard deviation of the masked values, by loops."""
    columns = [over_models[mask[:, place], place] for place in range(mask.shape[1])]
    squares = sum(((column - column.mean()) ** 2).sum() for column in columns)
    freedom = sum(len(column) - 1 for column in columns)
    return np.array([column.mean() for column in columns]), np.sqrt(squares / freedom)


def test_lira_online_is_the_likelihood_ratio():
    target, over_models, mask, evidence = shadowed()
    density = scipy.stats.norm.logpdf
    expected = density(target, *pooled(over_models, mask)) - density(
        target, *pooled(over_models, ~mask)
    )
    assert scores(LiRA(online=True), evidence) == pytest.approx(expected, abs=AGREEMENT)


def test_lira_offline_is_the_tail_of_models_without_the_utterance():
    target, over_models, mask, evidence = shadowed()
    expected = -scipy.stats.norm.logsf(target, *pooled(over_models, ~mask))
    assert scores(LiRA(online=False), evidence) == pytest.approx(expected, abs=AGREEMENT)


def test_lira_offline_looks_at_no_model_with_the_utterance():
    _, over_models, mask, evidence = shadowed()
    changed = Shadows(of_margins(np.where(mask, 1e3, over_models)), mask)
    found = scores(LiRA(online=False), Evidence(evidence.target, shadows=changed))
    assert np.array_equal(found, scores(LiRA(online=False), evidence))


def test_lira_by_hand():
    # Models with it say 3 and 5, models without -1 and 1: deviations sqrt(2), means 4 and 0. Of a
    # model that says 4: (-(4 - 4)^2 + (4 - 0)^2) / (2 * 2) = 4. In the middle, at 2: 0.
    over_models = of_margins([[3.0, 3], [5, 5], [-1, -1], [1, 1]])
    mask = np.array([[True] * 2, [True] * 2, [False] * 2, [False] * 2])
    evidence = Evidence(sure([4.0, 2.0]), shadows=Shadows(over_models, mask))
    assert scores(LiRA(online=True), evidence) == pytest.approx([4, 0], abs=1e-12)
    # The tail beyond 0 standard deviations is half.
    evidence = Evidence(sure([0.0, 2.0]), shadows=Shadows(over_models, mask))
    assert scores(LiRA(online=False), evidence)[0] == pytest.approx(np.log(2), abs=1e-12)


# U-LiRA


def test_ulira_is_the_likelihood_ratio_of_unlearned_and_never_trained():
    target, over_models, mask, evidence = shadowed()
    random = np.random.default_rng(7)
    after = random.normal(-1, 1, (4, 10))
    valid = halves(4, 10)
    after[~valid] = np.nan  # not trained with, so not unlearned: nobody computed it
    found = scores(
        ULiRA(),
        Evidence(
            evidence.target,
            shadows=evidence.shadows,
            unlearned_shadows=Shadows(of_margins(after), valid),
        ),
    )
    density = scipy.stats.norm.logpdf
    expected = density(target, *pooled(after, valid)) - density(target, *pooled(over_models, ~mask))
    assert found == pytest.approx(expected, abs=AGREEMENT)


def test_ulira_of_a_method_that_does_nothing_is_lira():
    _, _, _, evidence = shadowed()
    lazy = Evidence(evidence.target, shadows=evidence.shadows, unlearned_shadows=evidence.shadows)
    assert np.array_equal(scores(ULiRA(), lazy), scores(LiRA(online=True), lazy))
