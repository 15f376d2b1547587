"""Calls that are counted once, and told of."""

from __future__ import annotations

import pytest
from torch import nn

from ser_unlearn.recogniser import counting
from ser_unlearn.recogniser.counting import Call


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_known", {})


def model() -> nn.Sequential:
    """Of a part that takes three numbers to seven."""
    return nn.Sequential(nn.Linear(3, 7, bias=False))


CALL = Call("0", ((5, 3),), (False,), (True,))
"""Five times: 2 * 5 * 3 * 7 operations forward, and as many backward to the weights."""


def test_calls_are_counted_of_a_model_like_the_one_that_was_called():
    assert counting.counts_of(model(), [CALL]) == {str(nn.Linear(3, 7, False)): {CALL: (210, 210)}}


@pytest.mark.parametrize(
    "call",
    [
        CALL._replace(part="1"),
        CALL._replace(shapes=((5, 4),)),
        CALL._replace(shapes=()),
        CALL._replace(shapes=((-1, 3),)),
        CALL._replace(shapes=((5, 3), (5, 3)), inputs_need_gradient=(False, False)),
        CALL._replace(weights_need_gradient=(True, True)),
    ],
)
def test_what_cannot_have_been_a_call_is_left_out(call: Call):
    found = counting.counts_of(model(), [call, CALL])
    assert [list(calls) for calls in found.values()] == [[CALL]]


def test_what_is_known_is_not_counted_again(monkeypatch: pytest.MonkeyPatch):
    text = str(model()[0])
    counting.know({text: {CALL: (1, 2)}})
    monkeypatch.setattr(counting, "_count_anew", None)
    assert counting.count(model()[0], text, CALL) == (1, 2)


def test_the_calls_beyond_are_those_that_nobody_told_of():
    text, other = str(model()[0]), CALL._replace(shapes=((6, 3),))
    told = {text: {CALL: (210, 210)}}
    counting.know(told)
    assert counting.calls_beyond(told) == []
    counting.count(model()[0], text, other)
    assert counting.calls_beyond(told) == [other]
    assert counting.calls_beyond({}) == [CALL, other]
