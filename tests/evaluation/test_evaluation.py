"""Evaluation: records whose every number can be worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ser_unlearn.data.splits import Split
from ser_unlearn.evaluation.behaviour import Reference, evaluate
from ser_unlearn.evaluation.metrics import METRICS

# Twenty utterances of two emotions. Training speakers: 0 to 3 are forgotten, 4 to 9 retained,
# 10 and 11 validation, 12 to 15 held out; 16 to 19 are the test set.
SPLIT = Split(
    train=list(range(10)),
    validation=[10, 11],
    heldout=[12, 13, 14, 15],
    test=[16, 17, 18, 19],
)
FORGET = [0, 1, 2, 3]
LABELS = np.array([0, 1] * 10)
LN3 = math.log(3)


def logits(wrong, sure=LN3):
    """Every label gets a logit of `sure`, but the wrong ones' other emotion gets it; [20, 2]."""
    predicted = LABELS.copy()
    predicted[wrong] = 1 - predicted[wrong]
    return (sure * np.eye(2)[predicted]).astype(np.float32)


UNLEARNED = logits([0, 1, 2, 4, 12, 16, 18])


@pytest.fixture(scope="module")
def reference():
    return Reference(
        original=logits([3, 12, 13]),
        references=(logits([0, 1, 12, 13, 16, 17]), logits([0, 2, 4, 12, 13, 16, 18])),
        labels=LABELS,
        split=SPLIT,
        forget=FORGET,
        seed=0,
    )


@pytest.fixture(scope="module")
def found(reference):
    return evaluate(UNLEARNED, reference)


def test_every_metric_has_a_meaning(found):
    assert set(found) < set(METRICS)
    values = [value for name, value in found.items() if name != "forgotten_accuracy"]
    assert all(type(value) is float for value in values)
    assert all(map(math.isfinite, values))


EXPECTED = {
    "forgetting_rate": 3 / 4,  # 0, 1 and 2 of four are wrong
    "forget_accuracy": 1 / 4,
    "relative_forgetting": 2 / 3,  # the original's is 3/4: (3/4 - 1/4) / (3/4)
    "retain_accuracy": 5 / 6,  # 4 of six is wrong
    "heldout_accuracy": 3 / 4,  # 12 of four is wrong
    "test_accuracy": 2 / 4,  # 16 and 18 of four are wrong
    "test_uar": 1 / 2,  # both are of emotion 0: recalls 0 of 2 and 2 of 2
    "test_accuracy_drop": 50.0,  # the original's is 1
    # Members' losses: three high (wrong), one low. Non-members': one high, three low. Of 16
    # pairs, member below non-member: 1 * 1; ties: 3 * 1 high and 1 * 3 low. (1 + 6 / 2) / 16.
    "mia_auc": 4 / 16,
    "mia_tpr_at_1fpr": 0.0,  # the lowest threshold accuses three non-members
    # Differences to the references' means: forget 1/4 to 2/4, retain 5/6 to (1 + 5/6) / 2, test
    # 2/4 to 2/4.
    "tow": (1 - 1 / 4) * (1 - 1 / 12) * 1,
    # On 0 to 3 and 16 to 19 it differs from the original, wrong in 3, in 0 to 3, 16 and 18:
    # outputs (3/4, 1/4) and (1/4, 3/4), of divergence 3/4 ln(3/2) + 1/4 ln(1/2); elsewhere 0.
    "divergence_original": 6 / 8 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5)),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_metric_by_hand(found, name):
    # Sums of a few fractions; ln 3 as float32 is wrong by up to 6e-8.
    assert found[name] == pytest.approx(EXPECTED[name], abs=1e-7)


def test_the_gap_is_to_the_mean_of_the_references(reference, found):
    retrained = [evaluate(each, reference) for each in reference.references]
    names = ("forget_accuracy", "retain_accuracy", "test_accuracy", "mia_auc")
    means = {name: sum(each[name] for each in retrained) / 2 for name in names}
    expected = 100 * sum(abs(found[name] - means[name]) for name in names) / 4
    assert found["gap_to_retrain"] == pytest.approx(expected, abs=1e-9)  # a sum of four


def test_a_model_like_all_references_has_no_gap():
    alike = logits([0, 12, 16])
    found = evaluate(alike, Reference(alike, (alike, alike), LABELS, SPLIT, FORGET, seed=0))
    assert found["gap_to_retrain"] == 0
    assert found["tow"] == 1
    assert found["divergence_original"] == 0
    assert found["distance"] is None


def test_a_model_that_knows_members_is_caught():
    # Sure of every training utterance, and as sure of the wrong emotion of every held-out one.
    given_away = logits(SPLIT.heldout, sure=5)
    found = evaluate(
        given_away, Reference(given_away, (given_away,) * 2, LABELS, SPLIT, FORGET, seed=0)
    )
    assert found["mia_accuracy"] == 1
    assert found["mia_auc"] == 1
    assert found["mia_tpr_at_1fpr"] == 1
    assert found["mia_efficacy"] == 0  # none of the forget set passes for a non-member
    assert found["relative_forgetting"] == 0


def test_a_forget_set_that_looks_held_out_is_efficacious():
    # The retain set is known, the forget set as little as the held-out set.
    unlearned = logits([*FORGET, *SPLIT.heldout], sure=5)
    found = evaluate(
        unlearned, Reference(unlearned, (unlearned,) * 2, LABELS, SPLIT, FORGET, seed=0)
    )
    assert found["mia_efficacy"] == 1
    assert found["mia_accuracy"] == 0.5
    assert found["mia_auc"] == 0.5


def test_the_retain_set_is_the_training_set_without_the_forget_set(reference):
    assert reference.sets["retain"] == [4, 5, 6, 7, 8, 9]


def test_what_earlier_requests_took_counts_for_itself(reference, found):
    assert found["forgotten_accuracy"] is None  # nothing came before
    # 4 and 5 were taken before, of which 4 is wrong; the rest of the training set is kept.
    left = replace(SPLIT, train=[0, 1, 2, 3, 6, 7, 8, 9])
    later = replace(reference, split=left, forgotten=[4, 5])
    assert evaluate(UNLEARNED, later)["forgotten_accuracy"] == 1 / 2
    assert evaluate(UNLEARNED, later)["retain_accuracy"] == 1


def test_evaluation_repeats_itself(reference, found):
    assert evaluate(UNLEARNED, reference) == found
