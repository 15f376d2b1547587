"""Methods that rehearse the retain set: their penalties, signs and teachers."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from softmax_regression import confidence_on, linear_model, loss_on
from torch import Tensor
from toys import ToySetup, make_task

from ser_unlearn.methods.bad_teaching import BadTeaching
from ser_unlearn.methods.l1_sparse import L1Sparse
from ser_unlearn.methods.neggrad_plus import NegGradPlus
from ser_unlearn.recogniser.model import Recogniser

# Penalties and signs


def test_the_l1_penalty_pulls_by_its_sign_and_fades_by_the_step(setup: ToySetup):
    rate, gamma = 1e-4, 0.1

    def weights(steps: int, gamma: float) -> Tensor:
        _, task, _ = make_task(setup, "l1_sparse")
        method = L1Sparse(gamma=gamma, learning_rate=rate, steps=steps, batch_size=64)
        result = method.unlearn(linear_model(), task)
        return torch.cat([each.detach().flatten() for each in result.parameters()])

    start = torch.cat([each.detach().flatten() for each in linear_model().parameters()])
    # One step: -rate * gamma * sign. Two: momentum adds 0.9 of the first, and the second is half
    # as strong. A share of 2 % covers rounding (1e-8 on steps of 1e-5) and the loss's curvature.
    for steps, strength in ((1, 1.0), (2, 1.0 + 0.9 + 0.5)):
        pull = (weights(steps, gamma) - weights(steps, 0.0)) / (-rate * gamma * start.sign())
        assert pull.median().item() == pytest.approx(strength, rel=0.02)


@pytest.mark.parametrize(("beta", "sign"), [(0.0, 1), (1.0, -1)])
def test_neggrad_plus_climbs_the_forget_set_and_descends_the_retain_set(
    setup: ToySetup, beta: float, sign: int
):
    _, task, _ = make_task(setup, "neggrad_plus")
    model = linear_model()
    data = task.forget if beta == 0 else task.retain
    before = loss_on(model, data)
    # A convex problem, far from its optimum: small steps go down, or up, and nowhere else.
    NegGradPlus(beta=beta, learning_rate=1e-3, steps=5).unlearn(model, task)
    assert sign * (loss_on(model, data) - before) > 0


# Teachers


def test_the_divergence_is_from_teacher_to_student_between_distributions():
    method = BadTeaching(temperature=1.0)
    teacher, student = torch.tensor([[0.75, 0.25]]).log(), torch.tensor([[0.5, 0.5]]).log()
    forward = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    # Rounding of float32 on numbers near 0.1.
    assert method.divergence(teacher + 7, student - 3).item() == pytest.approx(forward, abs=1e-6)
    assert method.divergence(student, teacher).item() != pytest.approx(forward, abs=1e-3)
    assert method.divergence(teacher, teacher).item() == 0
    cool = BadTeaching(temperature=2.0).divergence(2 * teacher, 2 * student)
    assert cool.item() == pytest.approx(forward, abs=1e-6)


def test_bad_teaching_takes_the_confidence_away_where_it_should_forget(
    setup: ToySetup, learned: Recogniser
):
    _, task, _ = make_task(setup, "bad_teaching")
    model = copy.deepcopy(learned)
    forget, retain = confidence_on(model, task.forget), confidence_on(model, task.retain)
    BadTeaching(learning_rate=2e-3, steps=15, alpha=0.2).unlearn(model, task)
    lost_forget = forget - confidence_on(model, task.forget)
    lost_retain = retain - confidence_on(model, task.retain)
    # With one teacher for both sets, the two would lose alike.
    assert lost_forget > lost_retain + 0.05
