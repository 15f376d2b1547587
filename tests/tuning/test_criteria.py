"""Criteria of tuning by hand, and what they must not look at."""

from __future__ import annotations

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


def request(original: Any, retrained: Any = None) -> Any:
    """A forget request; without a retrained model, where a criterion must not ask for it."""
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


@pytest.mark.parametrize("criterion", list(CRITERIA))
def test_what_is_reported_is_not_looked_at(criterion: str):
    asked = request(answering(8), answering(0, 1, 8))
    judge = CRITERIA[criterion].judge(asked)
    answer = answering(0, 8)
    hidden = answer.copy()
    hidden[SPLIT.heldout + SPLIT.test] = np.nan
    assert judge(hidden) == judge(answer)
    unseen = asked.original.logits.copy()
    unseen[SPLIT.heldout + SPLIT.test] = np.nan
    again = CRITERIA[criterion].judge(request(unseen, asked.retrained.logits))
    assert again(answer) == judge(answer)
    assert judge(answering(0, 8, 9, 10)) > judge(answer)


def test_a_corpus_without_a_validation_set_is_refused():
    asked = request(answering())
    check_validation(asked)
    asked.sets["validation"] = []
    with pytest.raises(UserError, match="'toy' has no validation set"):
        check_validation(asked)
