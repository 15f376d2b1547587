"""Methods that look for the nearest boundary of a class: AMUN, boundary shrink and expand."""

from __future__ import annotations

import pytest
import torch
from tiny_tasks import CLOSE, FRAMES, TinyTask, gradients_as_steps, linear_model, tiny, watch_losses

from ser_unlearn.methods import amun_forget, boundary_expand
from ser_unlearn.methods._nearest import nearest
from ser_unlearn.methods.amun_forget import AmunForget
from ser_unlearn.methods.boundary_expand import BoundaryExpand
from ser_unlearn.methods.boundary_shrink import BoundaryShrink
from ser_unlearn.recogniser.model import frozen_copy

# amun_forget


def test_amun_finds_the_boundary_within_a_factor_of_two():
    model, task = tiny(n_emotions=2)
    batch = task.forget.whole()
    wrong = nearest(frozen_copy(model), batch, AmunForget(radius=0.01, doublings=9))
    said = model(wrong.inputs, wrong.lengths).argmax(1)
    assert torch.equal(wrong.labels, 1 - batch.labels)
    assert torch.equal(said, wrong.labels)
    weight = model.classifier.weight.detach()
    # The margin is linear: its gradient for an input is the difference of rows in each frame,
    # divided by the number of frames.
    steep = float((weight[0] - weight[1]).norm()) / FRAMES**0.5
    margins = model(*batch[:2]).detach().diff(dim=1).abs()[:, 0]
    found = (wrong.inputs - batch.inputs).flatten(1).norm(dim=1)
    first = 0.01 * batch.inputs.flatten(1).norm(dim=1)
    # A hundredth for rounding where the boundary is just reached.
    assert (found >= 0.99 * margins / steep).all()
    assert (found <= 1.01 * torch.maximum(2 * margins / steep, first)).all()


def test_amun_leaves_what_withstands_the_attack_as_it_was():
    model, task = tiny()
    batch = task.forget.whole()
    wrong = nearest(frozen_copy(model), batch, AmunForget(radius=1e-6, doublings=0))
    assert torch.equal(wrong.inputs, batch.inputs)
    assert torch.equal(wrong.labels, batch.labels)


@pytest.mark.parametrize("relabel", [False, True])
def test_amun_fine_tunes_on_utterances_and_on_their_adversarial_examples(
    monkeypatch: pytest.MonkeyPatch, relabel: bool
):
    model, task = tiny(n_emotions=2)
    steps = watch_losses(monkeypatch, amun_forget)
    AmunForget(steps=1, doublings=9, relabel=relabel).unlearn(model, task)
    ((logits, labels),) = steps
    own, wrong = labels.chunk(2)
    assert torch.equal(own, wrong) == relabel
    # The model itself says so of the adversarial examples, and its own label of the utterances.
    assert torch.equal(logits.argmax(1)[len(own) :], wrong)
    assert torch.equal(logits.argmax(1)[: len(own)], 1 - wrong)


# boundary_shrink


def test_boundary_shrink_takes_the_runner_up_where_the_step_is_small():
    model, task = tiny(n_emotions=4, count=20)
    inputs, lengths, _ = task.forget.whole()
    runners_up = model(inputs, lengths).topk(2).indices[:, 1]
    assert torch.equal(BoundaryShrink(bound=1e-6)._neighbours(model, task), runners_up)


def test_boundary_shrink_steps_along_the_sign_of_the_gradient():
    # The mean frame is (1, 1) and emotion 0 wins. Logits: 0 is 3, 1 is 2, 2 is 1. Away from 0 the
    # step is (-1, +1) times the bound, for the root mean square is 1: 2 gains 4 times the bound,
    # 1 nothing.
    model = linear_model(torch.tensor([[2.0, 1.0], [1.0, 1.0], [-1.5, 2.5]]))
    task = TinyTask(torch.ones(1, 3, 2), torch.tensor([0]), 3)
    for bound, expected in ((0.2, 1), (0.3, 2)):
        found = BoundaryShrink(bound=bound)._neighbours(model, task)
        assert found.tolist() == [expected]


def test_boundary_shrink_never_takes_the_true_label():
    model, task = tiny(n_emotions=4, count=20)
    # Also where the model says something else from the start.
    task.forget = task.forget.relabelled((task.forget.labels + 1) % 4)
    for bound in (1e-6, 0.1, 1.0):
        assert (BoundaryShrink(bound=bound)._neighbours(model, task) != task.forget.labels).all()


# boundary_expand


def test_boundary_expand_teaches_an_emotion_that_does_not_exist(
    monkeypatch: pytest.MonkeyPatch,
):
    gradients_as_steps(monkeypatch)
    steps = watch_losses(monkeypatch, boundary_expand)
    model, task = tiny(count=1)
    inputs, lengths, _ = task.forget.whole()
    before = model(inputs, lengths).detach()
    after = BoundaryExpand(steps=1).unlearn(model, task)(inputs, lengths).detach()
    ((logits, labels),) = steps
    assert labels.tolist() == [task.n_emotions]
    # The gradient of a row is its probability times the mean frame: all emotions lose, and in
    # proportion to what they have.
    lost = logits.softmax(1)[:, :-1] * inputs.mean(1).square().sum()
    torch.testing.assert_close(before - after, lost, **CLOSE)
