"""Each attack's scores: by hand, against SciPy and scikit-learn, and against plain loops."""

import itertools

import numpy as np
import pytest
import scipy.special
import scipy.stats

from ser_unlearn.evaluation.membership import Evidence, Outputs, Shadows, View, efficacy, signals
from ser_unlearn.evaluation.membership import gaussians as gaussians_module
from ser_unlearn.evaluation.membership.gaussians import fit
from ser_unlearn.evaluation.membership.interpolation import IAM
from ser_unlearn.evaluation.membership.lira import LiRA
from ser_unlearn.evaluation.membership.loss import Loss
from ser_unlearn.evaluation.membership.rmia import RMIA
from ser_unlearn.evaluation.membership.svc import SVC
from ser_unlearn.evaluation.membership.ulira import ULiRA

# The project's bound for agreement with another implementation in double precision.
AGREEMENT = 1e-6


def of_margins(margins):
    """Logits of two classes whose scaled logit for class 0 is the margin."""
    margins = np.asarray(margins, float)
    return np.stack([margins, np.zeros_like(margins)], axis=-1)


def sure(margins):
    """What a model says of utterances of class 0."""
    return Outputs(of_margins(margins), np.zeros(len(margins), np.int64))


def of_probabilities(p):
    return scipy.special.logit(np.asarray(p, float))


def scores(attack, evidence):
    return attack.scores(View(evidence, attack.name, attack.sees))


def halves(models, count):
    """Each model is trained with every other utterance."""
    return np.arange(models)[:, None] % 2 == np.arange(count) % 2


# Loss


def test_the_loss_attack_scores_by_the_loss():
    found = scores(Loss(), Evidence(sure([0.0, 2.0])))
    assert found == pytest.approx([-np.log(2), -np.log1p(np.exp(-2))], abs=1e-12)


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


# Support vector machines


def known(seed=0, members=80, nonmembers=50, audited=40):
    random = np.random.default_rng(seed)

    def outputs(count, sureness):
        labels = random.integers(0, 4, count)
        logits = random.standard_normal((count, 4)) + sureness * np.eye(4)[labels]
        return Outputs(logits, labels)

    return Evidence(
        outputs(audited, 3), population=outputs(nonmembers, 1), retain=outputs(members, 6)
    )


def test_the_svc_on_confidence_is_that_of_the_efficacy():
    evidence = known()

    def confidence(outputs):
        return signals.confidence(outputs.logits, outputs.labels)

    for seed in range(5):
        expected = efficacy(
            confidence(evidence.target),
            confidence(evidence.retain),
            confidence(evidence.population),
            seed,
        )
        found = scores(SVC("confidence", seed), evidence)
        assert (found < 0).mean() == expected


@pytest.mark.parametrize(
    ("feature", "sign"),
    [
        ("correctness", 1),
        ("confidence", 1),
        ("entropy", -1),
        ("modified-entropy", -1),
        ("probability", 1),
    ],
)
def test_an_svc_goes_by_its_feature(feature, sign):
    evidence = known(members=200, nonmembers=200)
    found = scores(SVC(feature), evidence)
    logits, labels = evidence.target.logits, evidence.target.labels
    expected = {
        "correctness": lambda: signals.correctness(logits, labels),
        "confidence": lambda: signals.confidence(logits, labels),
        "entropy": lambda: signals.entropy(logits),
        "modified-entropy": lambda: signals.modified_entropy(logits, labels),
        "probability": lambda: signals.confidence(logits, labels),
    }[feature]()
    # Members and non-members lie 5 nats apart: what looks like the ones is told from what looks
    # like the others, and of 40 drawn between them the ranks follow the feature.
    assert sign * scipy.stats.spearmanr(expected, found).statistic > 0.5
    if feature != "probability":  # one number in, one out
        assert len(np.unique(found)) <= len(np.unique(expected))


def test_an_svc_agrees_with_scikit_learn():
    import sklearn.svm

    # As many of each: the balanced sample is all of them, in another order.
    evidence = known(members=60, nonmembers=60)
    p = [signals.probabilities(known.logits) for known in (evidence.retain, evidence.population)]
    machine = sklearn.svm.SVC(C=3, kernel="rbf", gamma="auto", tol=1e-9)
    machine.fit(np.concatenate(p), np.repeat([1, 0], 60))
    expected = machine.decision_function(signals.probabilities(evidence.target.logits))
    # libsvm stops when its conditions hold to 1e-3, from wherever the order led it.
    assert scores(SVC("probability"), evidence) == pytest.approx(expected, abs=5e-3)


def test_the_svc_repeats_itself_with_its_seed():
    evidence = known(members=300, nonmembers=40)
    found = [scores(SVC("entropy", seed), evidence) for seed in (0, 0, 1)]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
