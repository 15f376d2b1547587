"""The spread of harm: tables and worst groups that can be counted by hand."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.data.splits import Split
from ser_unlearn.evaluation import spread
from ser_unlearn.evaluation.behaviour import Reference
from ser_unlearn.evaluation.metrics import accuracy

# 60 utterances of two emotions in turn. Anna says 0 to 19, Bert 20 to 39: the training speakers,
# of whom 0 to 9 are forgotten. Cleo says 40 to 51, Dirk 52 to 59: the test set.
LABELS = np.array([0, 1] * 30)
SPLIT = Split(train=list(range(40)), validation=[], heldout=[], test=list(range(40, 60)))
FORGET = list(range(10))
SPEAKERS = ["anna"] * 20 + ["bert"] * 20 + ["cleo"] * 12 + ["dirk"] * 8
GROUPS = {
    "emotion": [("calm", "angry")[label] for label in LABELS],
    "speaker": SPEAKERS,
    "gender": [{"anna": "female", "bert": "male", "cleo": "female"}.get(x) for x in SPEAKERS],
}


def logits(wrong):
    """Logits [60, 2] of a model that takes these utterances for the other emotion."""
    predicted = LABELS.copy()
    predicted[list(wrong)] = 1 - predicted[list(wrong)]
    return np.eye(2, dtype=np.float32)[predicted]


def reference(original=(), retrained=()):
    return Reference(
        logits(original), (logits(retrained), logits(original)), LABELS, SPLIT, FORGET, seed=0
    )


# Lost: 12 and 14 of Anna's 10 retained; 20 of Bert's 20; 41 and 43 of Cleo's 12; all 8 of Dirk's.
UNLEARNED = logits([0, 1, 2, 12, 14, 20, 41, 43, *range(52, 60)])
ORIGINAL = [20, 40]  # wrong before: 20 stays wrong, 40 is won


def test_every_group_of_the_test_and_the_retain_set_has_its_share():
    found = list(spread.shares(UNLEARNED, reference(ORIGINAL), GROUPS))
    counts = {
        (line.set, line.kind, line.group): (line.count, line.original, line.unlearned)
        for line in found
    }
    assert counts == {
        # Even places are calm. Lost: 52, 54, 56, 58 are calm; 41, 43 and 53 to 59 odd are angry.
        ("test", "emotion", "angry"): (10, 1.0, 4 / 10),
        ("test", "emotion", "calm"): (10, 9 / 10, 6 / 10),
        ("test", "speaker", "cleo"): (12, 11 / 12, 10 / 12),
        ("test", "speaker", "dirk"): (8, 1.0, 0.0),
        ("test", "gender", "female"): (12, 11 / 12, 10 / 12),  # Dirk's gender is not known
        ("retain", "emotion", "angry"): (15, 1.0, 1.0),
        ("retain", "emotion", "calm"): (15, 14 / 15, 12 / 15),
        ("retain", "speaker", "anna"): (10, 1.0, 8 / 10),
        ("retain", "speaker", "bert"): (20, 19 / 20, 19 / 20),
        ("retain", "gender", "female"): (10, 1.0, 8 / 10),
        ("retain", "gender", "male"): (20, 19 / 20, 19 / 20),
    }
    drops = {(each.set, each.kind, each.group): each.drop for each in found}
    assert drops["test", "speaker", "dirk"] == 100
    assert drops["retain", "speaker", "bert"] == 0


def test_the_worst_group_is_the_worst_of_those_large_enough():
    found = spread.spread(UNLEARNED, reference(ORIGINAL), GROUPS)
    # A difference of two shares of at most 15, in points: exact but for the last digits.
    assert found["worst_emotion_drop"] == pytest.approx(60, abs=1e-9)  # angry ones of the test set
    # Dirk lost all, but has 8 utterances. Anna lost 2 of 10.
    assert found["worst_speaker_drop"] == pytest.approx(20, abs=1e-9)
    assert found["worst_gender_drop"] == pytest.approx(20, abs=1e-9)


def test_the_worst_groups_are_named():
    found = spread.worst_off(UNLEARNED, reference(ORIGINAL), GROUPS)
    assert {kind: (each.set, each.group) for kind, each in found.items()} == {
        "emotion": ("test", "angry"),
        "speaker": ("retain", "anna"),
        "gender": ("retain", "female"),
    }
    nobody = {**GROUPS, "gender": [None] * 60}
    assert "gender" not in spread.worst_off(UNLEARNED, reference(), nobody)


def test_the_forget_set_is_no_part_of_the_harm():
    found = spread.spread(logits(FORGET), reference(), GROUPS)
    assert found["worst_emotion_drop"] == found["worst_speaker_drop"] == 0


def test_a_gain_everywhere_is_a_negative_loss():
    # Wrong before: 10 of Anna's 10 retained, 10 of Bert's 20, half of the test set.
    wrong = [*range(10, 30), *range(40, 46), *range(52, 56)]
    found = spread.spread(logits([]), reference(wrong), GROUPS)
    assert found["worst_speaker_drop"] == pytest.approx(-50, abs=1e-9)  # Bert and Cleo: a half
    assert found["worst_emotion_drop"] == pytest.approx(-50, abs=1e-9)  # the test set's: 5 of 10


def test_there_is_no_worst_gender_where_none_is_known():
    groups = {**GROUPS, "gender": [None] * 60}
    assert spread.spread(UNLEARNED, reference(), groups)["worst_gender_drop"] is None


def test_a_group_of_the_smallest_size_counts_and_one_below_does_not():
    smallest = spread.SMALLEST_GROUP
    for size, expected in ((smallest, 100.0), (smallest - 1, None)):
        split = Split(
            train=list(range(20)), validation=[], heldout=[], test=[*range(40, 40 + size)]
        )
        known = dataclasses.replace(reference(), split=split)
        groups = {"group": [None] * 40 + ["some"] * 20}
        lost = spread.spread(logits(range(40, 60)), known, groups)["worst_group_drop"]
        assert lost == expected


def test_agreement_counts_equal_answers_right_or_wrong():
    found = spread.spread(logits([0, 1, 2, 40]), reference(retrained=[1, 2, 3, 41]), GROUPS)
    # The first reference: 1 and 2 are wrong in both, 0 and 3 in one. The second: right in all.
    assert found["forget_agreement"] == (8 / 10 + 7 / 10) / 2
    assert found["test_agreement"] == (18 / 20 + 19 / 20) / 2


def test_groups_come_from_the_card_and_the_utterances():
    said = [("angry", "f1"), ("calm", "m1"), ("calm", "x1")]
    corpus = SimpleNamespace(
        utterances=[SimpleNamespace(emotion=emotion, speaker=who) for emotion, who in said],
        card=SimpleNamespace(genders={"f1": "female", "m1": "male"}),
    )
    assert spread.groups_of(corpus) == {
        "emotion": ["angry", "calm", "calm"],
        "speaker": ["f1", "m1", "x1"],
        "gender": ["female", "male", None],
    }


WRONG = st.sets(st.integers(0, 59))


@settings(deadline=None)
@given(before=WRONG, after=WRONG)
def test_the_groups_of_a_set_make_up_its_accuracy(before, after):
    known, unlearned = reference(before), logits(after)
    found = list(spread.shares(unlearned, known, GROUPS))
    for name in ("test", "retain"):
        places = known.sets[name]
        for kind in ("emotion", "speaker"):
            parts = [each for each in found if (each.set, each.kind) == (name, kind)]
            assert sum(each.count for each in parts) == len(places)
            mean = sum(each.count * each.unlearned for each in parts) / len(places)
            # A mean of at most 30 zeros and ones.
            assert mean == pytest.approx(accuracy(unlearned[places], LABELS[places]), abs=1e-9)


@settings(deadline=None)
@given(before=WRONG, after=WRONG)
def test_the_worst_group_loses_at_least_what_the_set_does(before, after):
    known, unlearned = reference(before), logits(after)
    found = spread.spread(unlearned, known, GROUPS)
    for name in ("test", "retain"):
        places = known.sets[name]
        lost = accuracy(known.original[places], LABELS[places]) - accuracy(
            unlearned[places], LABELS[places]
        )
        # Emotions divide each set, into groups that are all large enough.
        assert found["worst_emotion_drop"] >= 100 * lost - 1e-9
