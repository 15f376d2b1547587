"""Criteria of tuning by hand, and what they must not look at."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ser_unlearn.data.splits import Split
from ser_unlearn.errors import UserError
from ser_unlearn.tuning.criteria import CRITERIA, check_validation

LABELS = np.array([0, 1] * 8)
"""Sixteen utterances, four a set: forget 0 to 3, retain 4 to 7, then validation and the rest."""

SPLIT = Split([0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11], [12, 13], [14, 15])


def answering(*wrong: int) -> Any:
    """Logits of a model that errs on these utterances, and is sure of itself on all."""
    said = LABELS.copy()
    said[list(wrong)] = 1 - said[list(wrong)]
    return np.eye(2, dtype=np.float32)[said] * 4


def request(original: Any, retrained: Any = None, references: Any = None) -> Any:
    """A forget request; without retrained models, where a criterion must not ask for them."""
    found = SimpleNamespace(
        setup=SimpleNamespace(
            labels=LABELS, split=SPLIT, corpus=SimpleNamespace(card=SimpleNamespace(name="toy"))
        ),
        sets={"forget": [0, 1, 2, 3], "retain": [4, 5, 6, 7], "validation": SPLIT.validation},
        original=SimpleNamespace(logits=original),
        forget_seed=0,
    )
    if retrained is not None:
        found.retrained = SimpleNamespace(logits=retrained)
    if references is not None:
        found.references = lambda count: [
            SimpleNamespace(logits=each) for each in references[:count]
        ]
    return found


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        # The original errs on one of four validation utterances: 75 %.
        ((0, 8), 0.0),  # forget 75 %, validation kept
        ((8,), 25.0),  # forget 100 %
        ((0, 1, 2, 3, 8), 75.0),  # forget 0 %
        ((0, 8, 9), 25.0),  # forget 75 %, validation 50 %
        ((0,), 0.0),  # validation gained: no reward
        ((8, 9, 10, 11), 100.0),  # forget 100 %: 25, validation 0 %: 75
    ],
)
def test_retrain_free_by_hand(wrong: tuple[int, ...], expected: float):
    judge = CRITERIA["retrain-free"].judge(request(answering(8)))
    assert judge(answering(*wrong)) == expected


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        # The original errs on one of four validation utterances.
        ((0, 1, 2, 3, 8), 0.0),
        ((0, 1, 2, 3), 0.0),  # validation gained: no reward
        ((0, 1, 2, 3, 8, 9, 10), 50.0),
        ((0, 1, 2, 3, 4, 5), 0.0),  # nor does the retain set count
        ((0, 1, 2, 8), 117.0),  # 75 % forgotten for 92 %
        ((8,), 192.0),
    ],
)
def test_wiped_out_by_hand(wrong: tuple[int, ...], expected: float):
    judge = CRITERIA["wiped-out"].judge(request(answering(8)))
    assert judge(answering(*wrong)) == pytest.approx(expected, abs=1e-9)  # 92 % is no binary number


def test_oracle_by_hand():
    # The retrained model is right on half of the forget and of the validation set, and on the
    # whole retain set.
    retrained = answering(0, 1, 8, 9)
    judge = CRITERIA["oracle"].judge(request(answering(8), retrained))
    assert judge(retrained) == 0
    # Retain 75 % for 100 %, and nothing else: a mean over four numbers.
    assert judge(answering(0, 1, 4, 8, 9)) == 25 / 4
    # All right: forget and validation 100 % for 50 %; equal losses leave the attack at 50 %.
    assert judge(answering()) == (50 + 0 + 50 + 0) / 4


def divergence(share: float) -> float:
    """Jensen-Shannon's, in nats, of a sure answer and one that gives it this share."""
    return entropy((1 + share) / 2) - entropy(share) / 2


def entropy(share: float) -> float:
    return -sum(each * math.log(each) for each in (share, 1 - share) if each)


def test_distance_by_hand():
    # So sure that probabilities are 0 and 1. Of three references one errs on an utterance of the
    # forget set, and one on an utterance of the validation set.
    references = [100 * answering(), 100 * answering(0), 100 * answering(8)]
    judge = CRITERIA["distance"].judge(request(answering(), references=references))
    # Each reference from the other two: twice from one that agrees and one that does not, and
    # once from two that do not; 8/9 makes up for two being fewer than three.
    spread = 8 / 9 * (2 * divergence(1 / 2) + divergence(0)) / 3
    like_most, unlike_most = divergence(2 / 3) / spread, divergence(1 / 3) / spread
    for wrong, expected in (
        ((), like_most),
        ((0, 8), unlike_most),
        ((8,), math.sqrt(like_most * unlike_most)),
        ((4, 5, 6, 7), like_most),  # the retain set does not count
    ):
        # Sums and roots of a few numbers.
        assert judge(100 * answering(*wrong)) == pytest.approx(expected, rel=1e-9)


def test_no_distance_can_be_measured_where_references_agree():
    judge = CRITERIA["distance"].judge(request(answering(), references=[answering()] * 3))
    with pytest.raises(UserError, match="'toy' retrained with other seeds agree"):
        judge(answering(0))


def test_means_are_those_of_their_units():
    assert CRITERIA["distance"].mean([0.5, 2.0, 8.0]) == pytest.approx(2.0, rel=1e-12)  # one root
    assert CRITERIA["distance"].mean([0.0, 5.0]) == 0
    for criterion in ("oracle", "retrain-free", "wiped-out"):
        assert CRITERIA[criterion].mean([0.5, 2.0, 8.0]) == 3.5


def test_what_is_trained_anew_is_what_the_criterion_needs_anyhow():
    asked = request(answering(8), answering(0), [answering(1)] * 3)
    for criterion, logits in (
        ("distance", answering(1)),
        ("oracle", answering(0)),
        ("retrain-free", answering(8)),
        ("wiped-out", answering(8)),
    ):
        assert np.array_equal(CRITERIA[criterion].anew(asked).logits, logits)


@pytest.mark.parametrize("criterion", list(CRITERIA))
def test_what_is_reported_is_not_looked_at(criterion: str):
    models = [answering(8), answering(0, 1, 8), answering(1, 8), answering(2, 9), answering(0, 9)]
    judge = CRITERIA[criterion].judge(request(models[0], models[1], models[2:]))
    answer = answering(0, 1, 2, 3, 8)
    hidden = [each.copy() for each in (answer, *models)]
    for each in hidden:
        each[SPLIT.heldout + SPLIT.test] = np.nan
    blind = CRITERIA[criterion].judge(request(hidden[1], hidden[2], hidden[3:]))
    assert blind(hidden[0]) == judge(answer)
    assert judge(answering(0, 1, 2, 3, 8, 9, 10, 11)) > judge(answer)


def test_a_corpus_without_a_validation_set_is_refused():
    asked = request(answering())
    check_validation(asked)
    asked.sets["validation"] = []
    with pytest.raises(UserError, match="'toy' has no validation set"):
        check_validation(asked)
