"""What methods that relabel, climb or attack the forget set do, where the answer is known."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from toys import EMOTIONS, ToySetup, make_task

from ser_unlearn.methods import amun_forget, boundary_expand, l2ul, npo, random_label
from ser_unlearn.methods._saliency import salient
from ser_unlearn.methods.amun_forget import AmunForget
from ser_unlearn.methods.boundary_expand import BoundaryExpand
from ser_unlearn.methods.boundary_shrink import BoundaryShrink
from ser_unlearn.methods.l2ul import L2UL, importance
from ser_unlearn.methods.npo import NPO
from ser_unlearn.methods.random_label import RandomLabel
from ser_unlearn.methods.salun_forget import SalunForget
from ser_unlearn.recogniser.batches import Batch, Utterances
from ser_unlearn.recogniser.features import Ragged
from ser_unlearn.recogniser.model import Recogniser, frozen_copy

FRAMES, FEATURES = 7, 5

# Single precision: sums of some thousand terms of size 1 agree to about 1e-5.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(scope="module")
def setup() -> ToySetup:
    return ToySetup()


class Same(nn.Module):
    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs


class Mean(nn.Module):
    """The mean over frames, of inputs without padding."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs.mean(1, keepdim=True)


def linear_model(weight: Tensor) -> Recogniser:
    """Logits are `weight` [C, F] times the mean frame: all about it can be derived by hand."""
    head = nn.Linear(weight.shape[1], len(weight), bias=False)
    head.load_state_dict({"weight": weight})
    return Recogniser(Same(), Mean(), head).eval()


class TinyTask:
    """As much of a task as a method needs that touches the forget set alone."""

    def __init__(self, inputs: Tensor, labels: Tensor, n_emotions: int) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.device = torch.device("cpu")
        self.n_emotions = n_emotions
        self.unseen_accuracy = 0.5
        self.forget = Utterances(
            Ragged.of(list(inputs)),
            labels,
            range(len(labels)),
            generator=self.generator,
            crop_frames=inputs.shape[1],
            device=self.device,
        )

    def accuracy(self, model: nn.Module, data: Utterances) -> float:
        inputs, lengths, labels = data.whole()
        return float((model(inputs, lengths).argmax(1) == labels).float().mean())


def tiny(n_emotions: int = 3, count: int = 6, scale: float = 1.0) -> tuple[Recogniser, TinyTask]:
    random = torch.Generator().manual_seed(0)
    weight = scale * torch.randn(n_emotions, FEATURES, generator=random)
    inputs = torch.randn(count, FRAMES, FEATURES, generator=random)
    model = linear_model(weight)
    labels = model(inputs, torch.ones(count)).argmax(1)
    return model, TinyTask(inputs, labels, n_emotions)


def gradients_as_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one step of any optimiser subtract the gradient itself."""
    monkeypatch.setattr(torch.optim, "AdamW", lambda weights, lr: torch.optim.SGD(weights, lr=1.0))


def watch_losses(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> list[tuple[Tensor, Tensor]]:
    """The logits and labels of every cross-entropy that a method's file computes."""
    seen = []

    def watched(logits: Tensor, labels: Tensor, **keywords: Any) -> Tensor:
        seen.append((logits.detach().clone(), labels.clone()))
        return cross_entropy(logits, labels, **keywords)

    monkeypatch.setattr(module, "cross_entropy", watched)
    return seen


def mean_loss(model: Recogniser, data: Utterances) -> float:
    inputs, lengths, labels = data.whole()
    with torch.no_grad():
        return float(cross_entropy(model.eval()(inputs, lengths), labels))


def ascent(model: Recogniser, data: Utterances) -> Tensor:
    """The gradient of the mean loss of a linear model, for the weights of its head."""
    inputs, lengths, labels = data.whole()
    loss = cross_entropy(model(inputs, lengths), labels)
    return torch.autograd.grad(loss, model.classifier.weight)[0]


@pytest.mark.parametrize(
    "method",
    [
        NPO(learning_rate=0.3, epochs=20),
        RandomLabel(learning_rate=0.3, epochs=20),
        SalunForget(learning_rate=0.3, epochs=20),
        L2UL(learning_rate=0.3, epochs=20, strength=0.0),
        AmunForget(learning_rate=0.3, epochs=20, relabel=True),
        BoundaryShrink(learning_rate=0.3, epochs=20),
        BoundaryExpand(learning_rate=0.3, epochs=20),
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
    NPO(epochs=1, beta=2.0).unlearn(model, task)
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
    NPO(epochs=1, beta=beta).unlearn(model, task)
    torch.testing.assert_close(model.classifier.weight.detach(), expected, **CLOSE)


def test_npo_is_bounded_where_ascent_runs_away():
    losses = []
    for beta in (1e-3, 5.0):
        model, task = tiny()
        result = NPO(learning_rate=0.1, epochs=50, beta=beta).unlearn(model, task)
        losses.append(mean_loss(result, task.forget))
    # Without a teacher of its own, the weight stays 1 and both end alike.
    assert losses[1] < losses[0] / 2


# random_label and salun_forget


def test_random_labels_are_wrong_and_drawn_once(setup: ToySetup, monkeypatch: pytest.MonkeyPatch):
    seen = watch_losses(monkeypatch, random_label)
    emotion = 1
    forget = list(range(emotion, 36, EMOTIONS))
    model, task, _ = make_task(setup, "random_label", forget=forget)
    RandomLabel(epochs=3, batch_size=len(forget)).unlearn(model, task)
    epochs = [labels.sort().values for _, labels in seen]
    assert len(epochs) == 3
    assert all(torch.equal(each, epochs[0]) for each in epochs)
    assert emotion not in epochs[0]
    # Nine draws among three labels miss one of them in 8 % of cases; this seed does not.
    assert len(epochs[0].unique()) == EMOTIONS - 1


def test_salun_keeps_what_is_not_salient_bit_for_bit(setup: ToySetup):
    model, task, _ = make_task(setup, "salun_forget")
    mask = salient(model, task.forget, 0.3, 32)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    result = SalunForget(share=0.3, epochs=3).unlearn(model, task)
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
    L2UL(epochs=1, targets=1, retention=0.7, strength=1e3).unlearn(model, task)
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
        method = L2UL(learning_rate=1e-2, epochs=50, stop="zero", strength=strength)
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
        method = L2UL(learning_rate=0.1, epochs=99, stop=stop, strength=0.0, retention=0.0)
        accuracies[stop] = task.accuracy(method.unlearn(model, task), task.forget)
    assert accuracies["zero"] == 0 < accuracies["unseen"] <= task.unseen_accuracy
    with pytest.raises(ValueError, match="unseen"):
        L2UL(stop="never")


# amun_forget


def test_amun_finds_the_boundary_within_a_factor_of_two():
    model, task = tiny(n_emotions=2)
    batch = task.forget.whole()
    wrong = AmunForget(doublings=9)._nearest(frozen_copy(model), batch)
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
    wrong = AmunForget(radius=1e-6, doublings=0)._nearest(frozen_copy(model), batch)
    assert torch.equal(wrong.inputs, batch.inputs)
    assert torch.equal(wrong.labels, batch.labels)


@pytest.mark.parametrize("relabel", [False, True])
def test_amun_fine_tunes_on_utterances_and_on_their_adversarial_examples(
    monkeypatch: pytest.MonkeyPatch, relabel: bool
):
    model, task = tiny(n_emotions=2)
    steps = watch_losses(monkeypatch, amun_forget)
    AmunForget(epochs=1, doublings=9, relabel=relabel).unlearn(model, task)
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
    after = BoundaryExpand(epochs=1).unlearn(model, task)(inputs, lengths).detach()
    ((logits, labels),) = steps
    assert labels.tolist() == [task.n_emotions]
    # The gradient of a row is its probability times the mean frame: all emotions lose, and in
    # proportion to what they have.
    lost = logits.softmax(1)[:, :-1] * inputs.mean(1).square().sum()
    torch.testing.assert_close(before - after, lost, **CLOSE)
