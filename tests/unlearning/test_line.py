"""What a method may ask for while it runs, at what cost; and that the task holds nothing else."""

from __future__ import annotations

import gc
import json
import math
import types
from multiprocessing import Pipe
from threading import Thread
from typing import Any

import pytest
from toys import FORGET, ToySetup

from ser_unlearn.checks.toy import hand_out, sets_of
from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.recogniser.costs import Costs
from ser_unlearn.recogniser.counting import Call
from ser_unlearn.recogniser.features import Ragged
from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.results.store import Store
from ser_unlearn.unlearning import apart
from ser_unlearn.unlearning.brief import Shelf
from ser_unlearn.unlearning.counted import counted, learn
from ser_unlearn.unlearning.line import Counter, Remote, serve
from ser_unlearn.unlearning.request import Request

ALL = frozenset({"forget", "retain", "validation", "statistics"})


def held_by(thing: object) -> list[Any]:
    """Everything that can be reached from a thing without leaving for modules and classes."""
    found: dict[int, Any] = {}
    waiting = [thing]
    while waiting:
        each = waiting.pop()
        code = isinstance(each, (type, types.ModuleType, types.FunctionType, types.CodeType))
        if id(each) not in found and not code:
            found[id(each)] = each
            waiting += gc.get_referents(each)
    return list(found.values())


@pytest.mark.parametrize("needs", [frozenset(), frozenset({"forget"}), ALL], ids=sorted)
def test_a_task_holds_what_was_declared_and_no_way_to_anything_else(
    setup: ToySetup, needs: frozenset[str]
):
    task = hand_out(setup, needs).task
    _ = [getattr(task, name).whole() for name in needs - {"statistics"}]
    held = held_by(task)
    assert any(each is task.generator for each in held)
    assert not [each for each in held if isinstance(each, (Setup, Store, Shelf, Request, Trained))]
    sizes = {name: len(places) for name, places in sets_of(setup, FORGET).items()}
    allowed = {sizes[name] for name in needs - {"statistics"}} | {0}
    assert {len(each.lengths) for each in held if isinstance(each, Ragged)} <= allowed


@pytest.fixture
def line(setup: ToySetup) -> Any:
    """A function: what a method declares to its end of a line, and the account of it."""
    threads = []

    def draw(*needs: str) -> tuple[Remote, Counter]:
        counter = Counter(Shelf(setup, sets_of(setup, FORGET), frozenset(needs), 0))
        ours, theirs = Pipe()
        threads.append(Thread(target=serve, args=(ours, counter)))
        threads[-1].start()
        return Remote(theirs), counter

    yield draw
    gc.collect()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_what_is_declared_is_given_and_charged(setup: ToySetup, line: Any):
    remote, counter = line("forget", "retain")
    assert len(remote.waveforms("forget").lengths) == len(FORGET)
    assert counter.given == Costs(0.0, 0, 0.0)
    _, costs = remote.retrained()
    assert costs == setup.trained(sets_of(setup, FORGET)["retain"], 0).costs
    assert counter.given == costs
    remote.retrained()
    assert counter.given.flops == 2 * costs.flops
    del remote


def test_looks_at_the_forget_set_become_a_curve_and_others_do_not(setup: ToySetup):
    handed = hand_out(setup, frozenset({"forget", "retain"}))
    task = handed.task
    model = setup.load(setup.trained(setup.split.train, 0).state)
    assert task.curve == []
    looks = [task.accuracy(model, task.forget)]
    task.accuracy(model, task.retain)
    looks.append(task.accuracy(model, task.forget))
    assert [found for _, found in task.curve] == looks


@pytest.mark.parametrize(
    "points",
    [None, {}, [[1]], [[1, 2, 3]], [[-1, 0.5]], [[1, 1.5]], [[1, math.nan]], [["many", 0.5]],
     [[10**30, 0.5]], [[0, 0.5]] * 10_001],
)  # fmt: skip
def test_what_is_no_curve_is_refused(points: object):
    with pytest.raises((TypeError, ValueError)):
        apart._curve(points)


def test_a_curve_comes_as_it_was_sent():
    assert apart._curve([[0, 1.0], [7, 0.25]]) == [(0, 1.0), (7, 0.25)]


@pytest.mark.parametrize(
    "calls", [None, {}, [[]], [["part", [[1]], [True]]], [["part", [["long"]], [], []]], [1]]
)
def test_what_are_no_calls_is_refused(calls: object):
    with pytest.raises((TypeError, ValueError)):
        apart._calls(calls)


def test_calls_come_as_they_were_sent():
    call = Call("part", ((1, 2), (1,)), (True, False), (False,))
    assert apart._calls(json.loads(json.dumps([call]))) == [call]


def test_a_method_is_told_what_those_with_the_same_data_had_counted(setup: ToySetup):
    model = setup.load(setup.trained(setup.split.train, 0).state)
    several, forget = frozenset({"forget", "retain"}), frozenset({"forget"})
    flags = tuple(True for _ in model.classifier.parameters())
    call = Call("classifier", ((1, 1, 16),), (False,), flags)
    learn("sets", forget, model, [call])
    assert [list(calls) for calls in counted("sets", forget).values()] == [[call]]
    assert counted("sets", several) == counted("other sets", forget) == {}


def test_a_method_cannot_say_that_it_cost_less_than_what_it_was_given():
    counter = Counter(None, Costs(2.0, 10, 3.0))  # type: ignore[arg-type]
    assert counter.at_least(Costs(0.1, 0, 0.0)) == Costs(2.0, 10, 3.0)
    assert counter.at_least(Costs(2.5, 12, 1.0)) == Costs(2.5, 12, 3.0)


@pytest.mark.parametrize("name", ["retain", "heldout", "test"])
def test_what_is_not_declared_ends_the_line(line: Any, name: str):
    remote, counter = line("forget")
    with pytest.raises(UndeclaredDataError, match=name):
        counter.answer("waveforms", name)
    with pytest.raises(EOFError):
        remote.waveforms(name)
    with pytest.raises(UndeclaredDataError, match="retain"):
        counter.answer("retrained", "")
    del remote
