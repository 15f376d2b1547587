"""Methods that look at gradients of single utterances: Fisher information, influence, MSG."""

from __future__ import annotations

import copy

import pytest
import torch
from softmax_regression import Mean, Scaled, linear_model, loss_on
from torch import nn
from torch.nn.functional import cross_entropy
from toys import ToySetup, make_task

from ser_unlearn.methods._saliency import mean_gradient, weights_of
from ser_unlearn.methods.fisher_forgetting import FisherForgetting
from ser_unlearn.methods.influence import Influence
from ser_unlearn.methods.msg import Msg
from ser_unlearn.recogniser.model import Recogniser


def test_the_fisher_information_of_a_linear_model_is_the_one_derived_by_hand(setup: ToySetup):
    _, task, _ = make_task(setup, "fisher_forgetting")
    model, generator = linear_model(), torch.Generator().manual_seed(0)
    inputs, lengths, _ = task.retain.whole()
    p = model(inputs, lengths).softmax(dim=1).detach()
    features = model.embed(inputs, lengths)
    # d log p_y / d W_cj = (1[y = c] - p_c) x_j, whose variance over y ~ p is p_c (1 - p_c) x_j^2.
    weight = ((p * (1 - p))[:, :, None] * features[:, None].square()).mean(0)
    bias = (p * (1 - p)).mean(0)
    method = FisherForgetting(passes=100, batch_size=5)
    estimate = method.information(model, task.retain, generator)
    # 100 passes of 6 batches: a chi-square of 600 degrees has a relative error of 6 %; five of
    # these over 160 weights.
    torch.testing.assert_close(estimate["classifier.weight"], weight, rtol=0.3, atol=1e-7)
    torch.testing.assert_close(estimate["classifier.bias"], bias, rtol=0.3, atol=1e-7)


def test_fisher_noise_goes_with_the_fourth_root(setup: ToySetup, monkeypatch: pytest.MonkeyPatch):
    model = Recogniser(Scaled(), Mean(), nn.Linear(40, 2000))
    information = {"classifier.weight": torch.ones(2000, 40)}
    information["classifier.weight"][:1000] = 16
    monkeypatch.setattr(FisherForgetting, "information", lambda *_: information)
    before = model.classifier.weight.detach().clone()
    _, task, _ = make_task(setup, "fisher_forgetting")
    FisherForgetting(noise=0.1, damping=0.0).unlearn(model, task)
    noise = model.classifier.weight.detach() - before
    # 40,000 draws give a standard deviation to 0.4 %; three of these.
    assert (noise[1000:].std() / noise[:1000].std()).item() == pytest.approx(2, rel=0.012)
    mean = information["classifier.weight"].mean()
    assert noise[1000:].std().item() == pytest.approx(0.1 * float(mean) ** 0.25, rel=0.012)


def test_influence_is_newtons_step_with_the_whole_matrix(setup: ToySetup):
    model, task, _ = make_task(setup, "influence")
    model = linear_model()
    flat = torch.cat([each.detach().flatten() for each in model.parameters()]).double()
    rows = []
    for data in (task.forget, task.retain):
        gradients = []
        for inputs, lengths, labels in data.batches(1, shuffle=False, crop=False):
            loss = cross_entropy(model(inputs, lengths), labels)
            each = torch.autograd.grad(loss, list(model.parameters()))
            gradients.append(torch.cat([part.flatten() for part in each]).double())
        rows.append(torch.stack(gradients))
    forget, retain = rows
    fisher = retain.T @ retain / len(retain)
    hessian = fisher + 0.1 * fisher.trace() * torch.eye(len(flat), dtype=torch.float64)
    share = len(forget) / (len(forget) + len(retain))
    step = torch.linalg.solve(hessian, share * (forget.mean(0) - retain.mean(0)))
    Influence(scale=2.0, damping=0.1, utterances=99).unlearn(model, task)
    result = torch.cat([each.detach().flatten() for each in model.parameters()])
    # float32 against float64, with a condition number of at most 11.
    torch.testing.assert_close(result, (flat + 2 * step).float(), rtol=1e-4, atol=1e-5)


def test_influence_raises_the_forget_loss_above_all(setup: ToySetup, learned: Recogniser):
    _, task, _ = make_task(setup, "influence")
    model = copy.deepcopy(learned)
    forget, retain = loss_on(model, task.forget), loss_on(model, task.retain)
    # A step short enough for first order to hold.
    Influence(scale=0.05, damping=0.1).unlearn(model, task)
    risen = loss_on(model, task.forget) - forget
    assert risen > 0
    assert risen > loss_on(model, task.retain) - retain


def test_msg_draws_the_smallest_gradients_of_each_layer_anew(setup: ToySetup):
    model, task, _ = make_task(setup, "msg")
    untouched = copy.deepcopy(model)
    before = weights_of(model)
    retain, forget = (mean_gradient(untouched, each, 32) for each in (task.retain, task.forget))
    Msg(share=0.25, learning_rate=0.0, steps=1).unlearn(model, task)
    for name, weight in model.named_parameters():
        changed = weight != before[name]
        if weight.dim() < 2 or name.startswith("classifier."):
            assert not changed.any()
            continue
        size = (retain[name] - forget[name]).abs()
        assert int(changed.sum()) == round(0.25 * weight.numel())
        assert size[changed].max() <= size[~changed].min()


def test_msg_holds_the_weights_that_it_keeps_back(setup: ToySetup):
    model, task, _ = make_task(setup, "msg")
    before = weights_of(model)
    Msg(share=0.25, kept_scale=0.0, steps=1).unlearn(model, task)
    for name, weight in model.named_parameters():
        if weight.dim() > 1 and not name.startswith("classifier."):
            assert int((weight == before[name]).sum()) == weight.numel() - round(
                0.25 * weight.numel()
            )
