"""Methods that climb or relabel the forget set, where the answer is known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_tasks import (
    CLOSE,
    ascent,
    gradients_as_steps,
    linear_model,
    mean_loss,
    tiny,
    watch_losses,
)
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from toys import EMOTIONS, ToySetup, make_task

from ser_unlearn.methods import l2ul, npo, random_label
from ser_unlearn.methods._saliency import salient
from ser_unlearn.methods.amun_forget import AmunForget
from ser_unlearn.methods.boundary_expand import BoundaryExpand
from ser_unlearn.methods.boundary_shrink import BoundaryShrink
from ser_unlearn.methods.l2ul import L2UL, importance
from ser_unlearn.methods.npo import NPO
from ser_unlearn.methods.random_label import RandomLabel
from ser_unlearn.methods.salun_forget import SalunForget
from ser_unlearn.recogniser.batches import Batch
from ser_unlearn.recogniser.model import frozen_copy


@pytest.mark.parametrize(
    "method",
    [
        NPO(learning_rate=0.3, steps=20),
        RandomLabel(learning_rate=0.3, steps=20),
        SalunForget(learning_rate=0.3, steps=20),
        L2UL(learning_rate=0.3, steps=20, strength=0.0),
        AmunForget(learning_rate=0.3, steps=20, relabel=True),
        BoundaryShrink(learning_rate=0.3, steps=20),
        BoundaryExpand(learning_rate=0.3, steps=20),
    ],
    ids=lambda method: type(method).__name__,
)
def test_the_loss_of_the_forget_set_rises(method: Any):
    model, task = tiny(scale=3.0)
    before = mean_loss(model, task.forget)
    after = mean_loss(method.unlearn(model, task), task.forget)
    # Labels are the model's own: the loss is small at the start, and any descent on the true
    # labels makes it smaller.
    assert after > before + 0.1


# npo


def test_npo_starts_as_gradient_ascent(monkeypatch: pytest.MonkeyPatch):
    gradients_as_steps(monkeypatch)
    model, task = tiny()
    expected = model.classifier.weight.detach() + ascent(model, task.forget)
    NPO(steps=1, beta=2.0).unlearn(model, task)
    torch.testing.assert_close(model.classifier.weight.detach(), expected, **CLOSE)


@pytest.mark.parametrize("beta", [0.5, 3.0])
def test_npo_weighs_ascent_by_what_is_left_of_the_posterior(
    monkeypatch: pytest.MonkeyPatch, beta: float
):
    gradients_as_steps(monkeypatch)
    model, task = tiny(count=1)
    inputs, lengths, labels = task.forget.whole()
    original = frozen_copy(model)
    with torch.no_grad():
        model.classifier.weight.mul_(-0.5)
        before, now = (
            each(inputs, lengths).softmax(1)[0, labels[0]] ** beta for each in (original, model)
        )
    share = float(2 * now / (now + before))
    assert share < 0.9
    expected = model.classifier.weight.detach() + share * ascent(model, task.forget)
    monkeypatch.setattr(npo, "frozen_copy", lambda _: original)
    NPO(steps=1, beta=beta).unlearn(model, task)
    torch.testing.assert_close(model.classifier.weight.detach(), expected, **CLOSE)


def test_npo_is_bounded_where_ascent_runs_away():
    losses = []
    for beta in (1e-3, 5.0):
        model, task = tiny()
        task.unseen_accuracy = -1.0  # out of reach
        result = NPO(learning_rate=0.1, steps=50, beta=beta).unlearn(model, task)
        losses.append(mean_loss(result, task.forget))
    # Without a teacher of its own, the weight stays 1 and both end alike.
    assert losses[1] < losses[0] / 2


# random_label and salun_forget


def test_random_labels_are_wrong_and_drawn_once(setup: ToySetup, monkeypatch: pytest.MonkeyPatch):
    seen = watch_losses(monkeypatch, random_label)
    emotion = 1
    forget = list(range(emotion, 36, EMOTIONS))
    model, task, _ = make_task(setup, "random_label", forget=forget)
    RandomLabel(steps=3, batch_size=len(forget)).unlearn(model, task)
    steps = [labels.sort().values for _, labels in seen]
    assert len(steps) == 3
    assert all(torch.equal(each, steps[0]) for each in steps)
    assert emotion not in steps[0]
    # Nine draws among three labels miss one of them in 8 % of cases; this seed does not.
    assert len(steps[0].unique()) == EMOTIONS - 1


def test_salun_keeps_what_is_not_salient_bit_for_bit(setup: ToySetup):
    model, task, _ = make_task(setup, "salun_forget")
    mask = salient(model, task.forget, 0.3, 32)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    result = SalunForget(share=0.3, steps=3).unlearn(model, task)
    moved = {name: weight != before[name] for name, weight in result.named_parameters()}
    assert not any((moved[name] & ~mask[name]).any() for name in moved)
    # Nearly all others move: AdamW's step hardly depends on how large a gradient is.
    assert sum(int(each.sum()) for each in moved.values()) > 0.9 * sum(
        int(each.sum()) for each in mask.values()
    )


# l2ul


def test_l2ul_importance_is_the_mean_absolute_gradient_of_the_squared_norm():
    model, task = tiny()
    inputs, lengths, _ = task.forget.whole()
    frames, logits = inputs.mean(1), model(inputs, lengths).detach()
    # d |W x|^2 / dW = 2 (W x) x^T, of each utterance on its own.
    expected = (
        torch.stack([2 * torch.outer(*each) for each in zip(logits, frames, strict=True)])
        .abs()
        .mean(0)
    )
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    torch.testing.assert_close(
        importance(model, task.forget)["classifier.weight"], expected, **CLOSE
    )


def test_l2ul_importance_of_what_matters_to_nothing_is_zero():
    model, task = tiny()
    model.classifier.weight.data.zero_()
    assert not importance(model, task.forget)["classifier.weight"].any()


def test_l2ul_climbs_on_the_forget_set_and_descends_on_attacks(monkeypatch: pytest.MonkeyPatch):
    gradients_as_steps(monkeypatch)
    attacks = []

    def attack(original: nn.Module, batch: Batch, targets: Tensor, **_: Any) -> Tensor:
        assert not any(weight.requires_grad for weight in original.parameters())
        assert (targets != batch.labels).all()
        attacks.append(Batch(2 * batch.inputs, batch.lengths, targets))
        return attacks[-1].inputs

    monkeypatch.setattr(l2ul, "targeted_pgd", attack)
    model, task = tiny()
    start = model.classifier.weight.detach().clone()
    up = ascent(model, task.forget)
    # The tie does not pull before the first step has gone anywhere.
    L2UL(steps=1, targets=1, retention=0.7, strength=1e3).unlearn(model, task)
    ((inputs, lengths, targets),) = attacks
    other = linear_model(start)
    loss = cross_entropy(other(inputs, lengths), targets)
    down = torch.autograd.grad(loss, other.classifier.weight)[0]
    torch.testing.assert_close(model.classifier.weight.detach(), start + up - 0.7 * down, **CLOSE)


def test_l2ul_holds_what_matters_little_and_lets_go_of_what_matters():
    moves = {}
    for strength in (0.0, 1e3):
        model, task = tiny()
        tie = 1 - importance(model, task.forget)["classifier.weight"]
        start = model.classifier.weight.detach().clone()
        method = L2UL(learning_rate=1e-2, steps=50, stop="zero", strength=strength)
        method.unlearn(model, task)
        moves[strength] = (model.classifier.weight.detach() - start).abs(), tie
    free, tie = moves[0.0]
    held, _ = moves[1e3]
    # A pull of 1e3 outweighs losses of size 1 where it acts, and is 0 on the weight that
    # matters most.
    assert (held[tie > 0.5] < free[tie > 0.5].mean() / 2).all()
    assert held.flatten()[tie.argmin()] > held[tie > 0.5].max()


def test_l2ul_stops_at_the_accuracy_on_unseen_utterances():
    accuracies = {}
    for stop in ("unseen", "zero"):
        model, task = tiny(count=20)
        method = L2UL(learning_rate=0.1, steps=99, stop=stop, strength=0.0, retention=0.0)
        accuracies[stop] = task.accuracy(method.unlearn(model, task), task.forget)
    assert accuracies["zero"] == 0 < accuracies["unseen"] <= task.unseen_accuracy
    with pytest.raises(ValueError, match="unseen"):
        L2UL(stop="never")
