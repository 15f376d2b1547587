"""Importances kept from training: against values by hand, and who may see them at what cost."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from toys import EMOTIONS, FORGET, ToySetup

from ser_unlearn.checks import toy
from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.results.store import Store
from ser_unlearn.unlearning import statistics
from ser_unlearn.unlearning.statistics import fisher, kept, sensitivity

NEEDS = frozenset({"forget", "statistics"})


class Mean(nn.Module):
    """The mean over time of unpadded inputs [B, T, F], made small, as [B, 1, F]."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs.mean(1, keepdim=True) / 100


class Same(nn.Module):
    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs


def linear_model() -> Recogniser:
    torch.manual_seed(0)
    return Recogniser(Same(), Mean(), nn.Linear(40, EMOTIONS))


def test_importances_are_those_derived_by_hand(setup: ToySetup):
    model, data = linear_model(), setup.utterances([3, 4, 9, 30], torch.Generator())
    weight, bias = model.classifier.weight.detach(), model.classifier.bias.detach()
    squared, absolute = torch.zeros_like(weight), torch.zeros_like(weight)
    of_bias = torch.zeros_like(bias)
    for place, label in zip(data.places, data.labels, strict=True):
        x = setup.features[place].mean(0) / 100
        logits = weight @ x + bias
        error = logits.softmax(0) - nn.functional.one_hot(label, EMOTIONS)
        squared += torch.outer(error, x).square() / 4
        of_bias += error.square() / 4
        absolute += torch.outer(2 * logits, x).abs() / 4

    by_loss, by_output = fisher(model, data), sensitivity(model, data)

    # The same sums in another order: single precision agrees to about 1e-6.
    close = {"rtol": 1e-4, "atol": 1e-9}
    torch.testing.assert_close(by_loss["classifier.weight"], squared, **close)
    torch.testing.assert_close(by_loss["classifier.bias"], of_bias, **close)
    torch.testing.assert_close(by_output["classifier.weight"], absolute, **close)


def test_a_weight_without_gradients_is_left_out(setup: ToySetup):
    model = linear_model()
    model.classifier.bias.requires_grad_(False)
    data = setup.utterances([0], torch.Generator())
    assert list(fisher(model, data)) == list(sensitivity(model, data)) == ["classifier.weight"]


def test_every_weight_has_an_importance(setup: ToySetup):
    model, task, _ = toy.make_task(setup, NEEDS)
    shapes = {name: weight.shape for name, weight in model.named_parameters()}
    for values in (task.statistics.fisher, task.statistics.sensitivity):
        assert {name: each.shape for name, each in values.items()} == shapes
        assert all((each >= 0).all() for each in values.values())
        assert sum(float(each.sum()) for each in values.values()) > 0


def test_they_are_of_the_whole_training_set_whatever_is_to_be_forgotten(setup: ToySetup):
    model, first, _ = toy.make_task(setup, NEEDS, forget=FORGET)
    _, second, _ = toy.make_task(setup, NEEDS, forget=[20, 21])
    whole = fisher(model, setup.utterances(setup.split.train, torch.Generator()))
    for name, expected in whole.items():
        assert torch.equal(first.statistics.fisher[name], expected)
        assert torch.equal(second.statistics.fisher[name], expected)


def test_they_are_computed_once_for_each_model(
    setup: ToySetup, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    setup = copy.copy(setup)
    setup.store = Store(tmp_path)
    computed = []

    def counted(*arguments):
        computed.append(arguments)
        return fisher(*arguments)

    monkeypatch.setattr(statistics, "fisher", counted)
    train = setup.split.train
    original, other = setup.trained(train, 0), setup.trained(train, 1)
    first, again = kept(setup, original, train), kept(setup, original, train)
    assert len(computed) == 1
    assert first.fisher.keys() == first.sensitivity.keys() == again.fisher.keys()
    assert all(torch.equal(first.fisher[name], again.fisher[name]) for name in first.fisher)
    assert any((first.fisher[name] != first.sensitivity[name]).any() for name in first.fisher)
    elsewhere = kept(setup, other, train)
    assert len(computed) == 2
    assert any((first.fisher[name] != elsewhere.fisher[name]).any() for name in first.fisher)
    kept(setup, original, train[1:])
    assert len(computed) == 3


def test_they_cost_the_method_nothing(setup: ToySetup):
    model, task, meter = toy.make_task(setup, NEEDS)
    with meter.measure(model):
        assert task.statistics.fisher
    assert meter.costs().flops == 0


def test_an_undeclared_look_at_them_is_an_error(setup: ToySetup):
    _, task, _ = toy.make_task(setup, frozenset({"forget"}), method="nosy")
    with pytest.raises(UndeclaredDataError, match=r"nosy.*statistics kept from training"):
        _ = task.statistics
