"""When methods stop: at the accuracy on unseen utterances, or at none; and after how many steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_tasks import tiny
from torch.optim.optimizer import register_optimizer_step_post_hook
from toys import ToySetup, make_task

from ser_unlearn.methods._aims import CHECK_EVERY, Aim
from ser_unlearn.methods._batches import endless
from ser_unlearn.unlearning.registry import list_methods, load_class

AIMED = {
    name: load_class(name)
    for name, info in list_methods().items()
    if info.parameters is not None and "stop" in info.parameters[""]
}
STEPWISE = {
    name: load_class(name)
    for name, info in list_methods().items()
    if info.parameters is not None and "steps" in info.parameters[""]
}


@pytest.mark.parametrize(("stop", "goal"), [("unseen", 0.5), ("zero", 0.0)])
def test_an_aim_holds_from_its_accuracy_downwards(stop: str, goal: float):
    model, task = tiny(count=4)
    for right in (0.0, 0.25, 0.5, 0.75, 1.0):
        task.accuracy = lambda *_, right=right: right
        assert Aim(stop, task).holds(model) == (right <= goal)


def test_an_aim_is_looked_at_after_every_second_step():
    model, task = tiny()
    asked = []
    task.accuracy = lambda *_: asked.append(1) or 0.0
    aim = Aim("zero", task)
    assert [aim.reached(model) for _ in range(3 * CHECK_EVERY)] == [False, True] * 3
    assert len(asked) == 3


@pytest.mark.parametrize("name", AIMED)
def test_a_mistyped_aim_is_refused_at_once(name: str):
    with pytest.raises(ValueError, match=r"stop is 'never'\. Choose one of: unseen, zero"):
        AIMED[name](stop="never")


def steps_of(setup: ToySetup, name: str, accuracy: float, **changes: Any) -> int:
    """How many steps a method's optimisers take, if it is told the same accuracy at every look."""
    cls = STEPWISE[name]
    model, task, _ = make_task(setup, name)
    taken = []
    hook = register_optimizer_step_post_hook(lambda *_: taken.append(1))
    task.accuracy = lambda *_: accuracy  # type: ignore[method-assign]
    try:
        cls(**{**cls.smoke, **changes}).unlearn(model, task)
    finally:
        hook.remove()
    return len(taken)


@pytest.mark.parametrize("name", STEPWISE)
def test_steps_are_the_steps_of_the_optimiser(setup: ToySetup, name: str):
    assert steps_of(setup, name, 1.0, steps=5) == 5
    # Two batches of the smallest forget set, and more of the retain set: no pass is a step.
    assert steps_of(setup, name, 1.0, steps=5, batch_size=3) == 5


# Of those left out one goes back to its aim after its last step, and one solves for it.
@pytest.mark.parametrize("name", sorted({*AIMED} - {"perturbation_distillation", "least_change"}))
def test_a_method_stops_at_its_aim(setup: ToySetup, name: str):
    # Between the two aims: known by no more than a stranger would know, and yet not forgotten.
    for stop, steps in (("unseen", CHECK_EVERY), ("zero", 5)):
        assert steps_of(setup, name, 0.1, steps=5, stop=stop) == steps


def test_batches_do_not_end_and_each_pass_is_in_another_order():
    _, task = tiny(count=6)
    batches = endless(task.forget, 6, crop=False)
    first, second = next(batches), next(batches)
    assert not torch.equal(first.inputs, second.inputs)
    sums = [batch.inputs.sum(dim=(1, 2)).sort().values for batch in (first, second)]
    assert torch.equal(*sums)
