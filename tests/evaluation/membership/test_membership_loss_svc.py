"""Scores of the attacks without shadow models: by hand, and against SciPy and scikit-learn."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from margins import scores, sure

from ser_unlearn.evaluation.membership import Evidence, Outputs, efficacy, signals
from ser_unlearn.evaluation.membership.loss import Loss
from ser_unlearn.evaluation.membership.svc import SVC

# Loss


def test_the_loss_attack_scores_by_the_loss():
    found = scores(Loss(), Evidence(sure([0.0, 2.0])))
    assert found == pytest.approx([-np.log(2), -np.log1p(np.exp(-2))], abs=1e-12)


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
