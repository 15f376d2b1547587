"""Least change: its measure by hand, and leads that end where they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toys import FORGET, ToySetup, make_task

from ser_unlearn import Batch, Recogniser
from ser_unlearn.methods._measure import (
    STRIP,
    Measure,
    layers_of,
    second_moments,
    symmetric,
    without_smallest,
)
from ser_unlearn.methods.least_change import LeastChange, lead
from ser_unlearn.recogniser.outputs import predict


class Net(nn.Module):
    """A convolution over time of features [B, T, 2], a mean, and a linear layer: [B, 3]."""

    def __init__(self, **settings: int) -> None:
        super().__init__()
        self.front = nn.Conv1d(2, 4, 3, **settings)
        self.groups = nn.Conv1d(4, 4, 1, groups=2)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 3)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        found = self.norm(self.groups(self.front(inputs.transpose(1, 2))))
        logits: Tensor = self.head(found.mean(dim=2))
        return logits


def batch(count: int, frames: int) -> Batch:
    inputs = torch.randn(count, frames, 2)
    return Batch(inputs, torch.ones(count), torch.zeros(count, dtype=torch.long))


def test_only_maps_that_take_gradients_and_are_not_in_groups_are_layers():
    net = Net()
    assert list(layers_of(net)) == ["front", "head"]
    net.front.weight.requires_grad_(False)
    assert list(layers_of(net)) == ["head"]


@pytest.mark.parametrize(
    "settings", [{}, {"padding": 2}, {"dilation": 2}, {"stride": 2, "padding": 1}]
)
def test_inputs_of_a_convolution_are_what_its_kernel_meets(settings: dict[str, int]):
    net = Net(**settings).eval()
    batches = [batch(3, 12), batch(1, 9)]
    found = second_moments(net, batches)["front"]
    # A layer's outputs are its weights times its inputs: what they are follows from those.
    total, count = torch.zeros(4, 4), 0
    for each in batches:
        outputs = net.front(each.inputs.transpose(1, 2)) - net.front.bias[:, None]
        rows = outputs.transpose(1, 2).reshape(-1, 4)
        total += (rows.T @ rows).detach()
        count += len(rows)
    weight = net.front.weight.detach().flatten(1)
    # Sums in single precision, in two orders.
    assert torch.allclose(weight @ found @ weight.T, total / count, atol=1e-5)


def test_a_gradient_is_weighed_by_what_the_layer_seldom_hears():
    net = nn.Module()
    net.head = nn.Linear(2, 1, bias=False)
    net.forward = lambda inputs, lengths: net.head(inputs)
    # Of the second input there is nine times the power of the first: 0.2 and 1.8 of the mean.
    speech = Batch(torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.ones(2), torch.zeros(2))
    measure = Measure(net, [speech], floor=0.2)
    found = measure.weigh(torch.tensor([[1.0, 1.0], [0.0, 4.0]]))
    assert found == pytest.approx(torch.tensor([[2.5, 0.5], [0.0, 2.0]]))


def test_a_gradient_is_that_of_the_weights_of_layers_in_their_order_and_moving_adds_to_them():
    net = Net().eval()
    inputs, lengths, _ = batch(2, 10)
    measure = Measure(net, [batch(2, 10)], floor=0.1)
    value = net(inputs, lengths).square().sum()
    found = measure.gradient(value)
    value.backward()
    wanted = torch.cat([net.front.weight.grad.flatten(), net.head.weight.grad.flatten()])
    assert torch.allclose(found, wanted)
    before = net.head.weight.clone()
    measure.move(torch.arange(24.0 + 12))
    assert torch.equal(net.head.weight, before + torch.arange(24.0, 36.0).view(3, 4))


def test_the_last_layers_alone_can_be_asked_to_change():
    net = Net().eval()
    assert Measure(net, [batch(2, 10)], floor=0.1, layers=1).weights == [net.head.weight]


@pytest.mark.parametrize("count", [1, STRIP, 2 * STRIP + 5])
def test_symmetric_products_are_those_of_all_rows(count: int):
    rows = torch.randn(count, 7, dtype=torch.double)
    weight = torch.randn(7, 7, dtype=torch.double)
    weighed = rows @ (weight @ weight.T)
    # Sums in two orders.
    assert torch.allclose(symmetric(rows, weighed), rows @ weighed.T, atol=1e-12)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_the_smallest_weights_are_gone_for_a_while(share: float):
    weights = [torch.tensor([[1.0, -8.0], [3.0, 4.0]]), torch.tensor([[-2.0, 5.0, 6.0, 7.0]])]
    before = [each.clone() for each in weights]
    with without_smallest(weights, share) as kept:
        gone = torch.cat([each.flatten() for each in before])[kept == 0].abs()
        assert set(gone.tolist()) == set(range(1, 1 + round(8 * share)))
        assert torch.equal(torch.cat([each.flatten() for each in weights]) != 0, kept == 1)
    assert all(map(torch.equal, weights, before))


@pytest.fixture
def forgetting(setup: ToySetup, learned: Recogniser) -> Iterator[Any]:
    """A function: the toy's model that forgot, and its leads on the forget set before and after."""
    state = {name: each.clone() for name, each in learned.state_dict().items()}

    def run(**fields: Any) -> tuple[Recogniser, Tensor, Tensor, Any]:
        _, task, _ = make_task(setup, "least_change")
        task.unseen_accuracy = 0.75
        model = setup.load(state)
        before = leads(model, task)
        LeastChange(**{"copies": 8, "frames": 50, **fields}).unlearn(model, task)
        return model, before, leads(model, task), task

    return run


def leads(model: Recogniser, task: Any) -> Tensor:
    every = task.forget.batches(1, shuffle=False, crop=False)
    with torch.no_grad():
        return torch.cat([lead(model, each) for each in every])


def test_a_lead_is_the_true_logit_minus_the_best_wrong_one():
    net = nn.Module()
    net.forward = lambda inputs, lengths: inputs
    logits = torch.tensor([[3.0, 1.0, 2.5], [3.0, 1.0, 2.5]])
    found = lead(net, Batch(logits, torch.ones(2), torch.tensor([0, 1])))
    assert found.tolist() == [0.5, -2.0]


def test_as_if_never_heard_leads_are_lowered_by_one_number_and_stretched(forgetting: Any):
    _, before, after, task = forgetting(rounds=8, stretch=1.5)
    wanted = 1.5 * (before - before.quantile(0.25))
    # It stops within 0.1 of what is wanted, or runs out of rounds a little farther.
    assert (after - wanted).abs().max() < 0.3
    right = (after > 0).float().mean()
    assert abs(right - task.unseen_accuracy) <= 1 / len(FORGET)


def test_wiped_out_nothing_is_known_with_or_without_the_smallest_weights(forgetting: Any):
    model, before, after, task = forgetting(rounds=8, stop="zero", margin=0.5)
    assert before.min() > 0
    assert (after < 0).all()
    with without_smallest([each.weight for each in layers_of(model).values()], 0.3):
        assert (leads(model, task) < 0.5).all()
        assert (leads(model, task) < 0).float().mean() >= 0.8


def test_a_heavier_hold_keeps_what_else_the_model_says(setup: ToySetup, learned, forgetting: Any):
    others = setup.split.test
    before = predict(learned, setup.features, others, setup.device)

    def moved(hold: float) -> float:
        model, *_ = forgetting(rounds=2, hold=hold, copies=24)
        return float((predict(model, setup.features, others, setup.device) - before).abs().mean())

    assert moved(1000.0) < moved(0.01)
