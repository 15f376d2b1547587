"""What methods without the retain set do, where the answer is known; and the controls."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_tasks import tiny
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from toys import EMOTIONS, ToySetup, make_task

from ser_unlearn.checks import toy
from ser_unlearn.methods._dampening import dampen
from ser_unlearn.methods.jit import JustInTime
from ser_unlearn.methods.lfssd import LossFreeDampening
from ser_unlearn.methods.mu_mis import MinimiseInputSensitivity
from ser_unlearn.methods.random_noise import RandomNoise
from ser_unlearn.methods.reset_head import ResetHead
from ser_unlearn.methods.ssd import SelectiveSynapticDampening
from ser_unlearn.methods.task_negation import TaskNegation
from ser_unlearn.methods.uniform_target import UniformTarget
from ser_unlearn.recogniser.batches import Batch, Utterances, padding_mask
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.unlearning.statistics import Statistics, fisher, sensitivity

FEATURES = 40
STATISTICS = frozenset({"forget", "statistics"})


class Same(nn.Module):
    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs


class Mean(nn.Module):
    """The mean over the speech in inputs [B, T, F], in units of 100 dB, as [B, 1, F]."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        speech = padding_mask(Batch(inputs, lengths, lengths))[..., None]
        return (inputs * speech).sum(1, keepdim=True) / speech.sum(1, keepdim=True) / 100


class Squashed(Mean):
    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return super().forward(torch.tanh(inputs / 50), lengths) * 100


def small_model(pooling: nn.Module | None = None) -> Recogniser:
    """A softmax regression on mean features: all about it can be derived by hand."""
    torch.manual_seed(0)
    return Recogniser(Same(), pooling or Mean(), nn.Linear(FEATURES, EMOTIONS))


def copy_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def loss_of(model: Recogniser, data: Utterances) -> float:
    inputs, lengths, labels = data.whole()
    with torch.no_grad():
        return float(cross_entropy(model.eval()(inputs, lengths), labels))


def alone(setup: ToySetup, method: str) -> tuple[Recogniser, Any]:
    """A request to forget one utterance that is too short to be cropped."""
    lengths = setup.features.lengths
    place = next(each for each in setup.split.train if lengths[each] <= setup.hparams.crop_frames)
    model, task, _ = make_task(setup, method, forget=[place])
    return model, task


# uniform_target


def test_uniform_target_pulls_logits_along_softmax_minus_uniform(setup: ToySetup):
    model, task = alone(setup, "uniform_target")
    inputs, lengths, _ = task.forget.whole()
    expected = model(inputs, lengths).softmax(1).detach() - 1 / EMOTIONS
    pulls = []
    model.classifier.register_full_backward_hook(lambda _, __, pull: pulls.append(pull[0][:, 0]))
    UniformTarget(steps=1).unlearn(model, task)
    # Single precision; a divergence of raw logits, or the other direction, is far off.
    torch.testing.assert_close(pulls[0], expected, rtol=0, atol=1e-6)


def test_uniform_target_ends_in_ignorance(setup: ToySetup):
    model, task = alone(setup, "uniform_target")
    inputs, lengths, _ = task.forget.whole()
    task.unseen_accuracy = -1.0  # out of reach
    UniformTarget(learning_rate=3e-3, steps=60).unlearn(model, task)
    # It has come within a few steps of AdamW of 1 / 4; no output of the original is as even.
    assert (model.eval()(inputs, lengths).softmax(1) - 1 / EMOTIONS).abs().max() < 0.05


# task_negation


def test_task_negation_walks_back_along_what_fine_tuning_changed(setup: ToySetup):
    states = []
    for alpha in (-1.0, 0.0, 1.0, 2.0):
        model, task, _ = make_task(setup, "task_negation")
        before = copy_of(model)
        states.append(copy_of(TaskNegation(alpha=alpha).unlearn(model, task)))
    tuned, unchanged, once, twice = states
    for name, start in before.items():
        assert torch.equal(unchanged[name], start)
        # Differences of weights of size 1 are exact to about 1e-7.
        close = {"rtol": 0, "atol": 1e-6}
        torch.testing.assert_close(once[name] - start, start - tuned[name], **close)
        torch.testing.assert_close(twice[name] - start, 2 * (start - tuned[name]), **close)
    assert any((tuned[name] != before[name]).any() for name in before)


def test_task_negation_raises_the_loss_that_fine_tuning_lowers(setup: ToySetup):
    losses = []
    for alpha in (-1.0, 0.0, 1.0):
        model, task, _ = make_task(setup, "task_negation")
        method = TaskNegation(alpha=alpha, learning_rate=1e-3)
        losses.append(loss_of(method.unlearn(model, task), task.forget))
    assert losses[0] < losses[1] < losses[2]


# jit


def steepness(model: Recogniser, data: Utterances) -> float:
    """The mean change of logits under noise that is always the same."""
    generator = torch.Generator().manual_seed(1)
    inputs, lengths, _ = data.whole()
    noise = 0.1 * inputs.abs().mean() * torch.randn(8, *inputs.shape, generator=generator)
    with torch.no_grad():
        calm = model.eval()(inputs, lengths)
        return float(
            torch.stack([(model(inputs + n, lengths) - calm).norm() for n in noise]).mean()
        )


def test_jit_makes_the_model_flatter_around_the_forget_set(setup: ToySetup):
    model, task, _ = make_task(setup, "jit")
    before = steepness(model, task.forget)
    JustInTime(learning_rate=3e-2, steps=10, samples=4, noise=0.1).unlearn(model, task)
    # A step in the wrong direction makes it steeper; so does none at all leave it as it was.
    assert steepness(model, task.forget) < 0.9 * before


def test_jit_disturbs_speech_alone_and_by_a_share_of_its_size(setup: ToySetup):
    model, task, _ = make_task(setup, "jit", forget=[0, 1, 2])
    seen = []
    model.normaliser.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    JustInTime(steps=1, noise=0.2, samples=5, batch_size=3).unlearn(model, task)
    (calm, lengths), (noisy, _) = seen
    calm, lengths = calm.repeat_interleave(5, dim=0), lengths.repeat_interleave(5)
    speech = padding_mask(Batch(calm, lengths, lengths))
    assert not speech.all()
    assert (noisy[~speech] == 0).all()
    shares = (noisy - calm).flatten(1).norm(dim=1) / calm.flatten(1).norm(dim=1)
    # Thousands of draws each: their mean square is 1 within 5 %.
    torch.testing.assert_close(shares, torch.full((15,), 0.2), rtol=0.05, atol=0)


def test_jit_moves_what_is_said_of_the_utterance_and_not_of_its_surroundings():
    model, task = tiny(count=1)
    start = model.classifier.weight.detach().clone()
    method = JustInTime(learning_rate=1e-2, steps=1, samples=1, max_norm=1e9)
    change = method.unlearn(model, task).classifier.weight.detach() - start
    frame = task.forget.whole().inputs.mean(dim=(0, 1))
    # The gradient of W frame - constant, by W: every row along the utterance's own mean frame,
    # where that of both outputs would be along the difference of two.
    along = torch.outer(change @ frame, frame) / frame.square().sum()
    # Differences of single-precision weights of size 1.
    torch.testing.assert_close(change, along, rtol=0, atol=1e-6)
    assert change.norm() > 1e-3


# mu_mis


def random_batch() -> Batch:
    torch.manual_seed(1)
    return Batch(50 * torch.randn(3, 7, FEATURES), torch.ones(3), torch.tensor([0, 2, 2]))


def test_mu_mis_sensitivity_of_a_linear_model_is_that_derived_by_hand():
    model, batch = small_model(), random_batch()
    MinimiseInputSensitivity().sensitivity(model, batch).backward()
    weight = model.classifier.weight
    expected = torch.zeros_like(weight)
    for inputs, label in zip(batch.inputs, batch.labels, strict=True):
        # Each of 7 frames has the slope w_y / 7 / 100; so the square is |w_y|^2 / 7 / 100^2.
        expected[label] += inputs.norm() ** 2 * 2 * weight[label].detach() / 7 / 100**2 / 3
    # Central differences of a linear function are exact but for rounding.
    torch.testing.assert_close(weight.grad, expected, rtol=1e-3, atol=1e-5)
    assert not model.classifier.bias.grad.abs().max() > 1e-5


def test_mu_mis_agrees_with_differentiating_twice_where_the_model_is_smooth():
    model, batch = small_model(Squashed()), random_batch()
    MinimiseInputSensitivity(distance=1e-2).sensitivity(model, batch).backward()
    by_differences = model.classifier.weight.grad.clone()
    inputs = batch.inputs.clone().requires_grad_(True)
    chosen = model(inputs, batch.lengths)[range(3), batch.labels]
    (slope,) = torch.autograd.grad(chosen.sum(), inputs, create_graph=True)
    squares = slope.flatten(1).norm(dim=1).square() * batch.inputs.flatten(1).norm(dim=1).square()
    (exact,) = torch.autograd.grad(squares.mean(), model.classifier.weight)
    # The error is of second order in the distance, of which 1 % is 1e-4 before its factor.
    torch.testing.assert_close(
        by_differences, exact, rtol=1e-2, atol=1e-2 * float(exact.abs().max())
    )


def test_mu_mis_turns_sensitivity_from_the_true_logit_to_others(setup: ToySetup):
    model, task, _ = make_task(setup, "mu_mis")
    batch = task.forget.whole()

    def excess() -> float:
        inputs = batch.inputs.clone().requires_grad_(True)
        logits = model.eval()(inputs, batch.lengths)
        squares = torch.stack(
            [
                torch.autograd.grad(logit.sum(), inputs, retain_graph=True)[0].square().sum((1, 2))
                for logit in logits.unbind(1)
            ],
            dim=1,
        )
        own = squares.gather(1, batch.labels[:, None]).squeeze(1)
        return float((own - (squares.sum(1) - own) / (EMOTIONS - 1)).mean())

    before = excess()
    MinimiseInputSensitivity(learning_rate=1e-3, steps=10).unlearn(model, task)
    assert excess() < before


# ssd, lfssd


@pytest.mark.parametrize("method", [SelectiveSynapticDampening, LossFreeDampening])
def test_dampening_takes_the_same_importances_as_training_kept(setup: ToySetup, method: Any):
    # With all of the training set to forget, both importances are the same: a ratio of one.
    everything = setup.split.train
    model, task, _ = toy.make_task(setup, STATISTICS, forget=everything)
    before = copy_of(model)
    after = copy_of(method(selection=0.9, dampening=0.5).unlearn(model, task))
    kept = {SelectiveSynapticDampening: "fisher", LossFreeDampening: "sensitivity"}[method]
    importance = getattr(task.statistics, kept)
    for name, start in before.items():
        # Below this, squares of single-precision gradients are not normal numbers.
        matters = importance[name] > 1e-30
        torch.testing.assert_close(after[name][matters], start[matters] / 2, rtol=1e-4, atol=0)
    untouched, task, _ = toy.make_task(setup, STATISTICS, forget=everything)
    method(selection=1.1, dampening=0.5).unlearn(untouched, task)
    assert all(torch.equal(weight, before[name]) for name, weight in untouched.named_parameters())


class Fixed(list[Batch]):
    """Utterances of one frame and one label that differ in their first feature alone."""

    def __init__(self, first: list[float]) -> None:
        for value in first:
            inputs = torch.full((1, 1, FEATURES), 100.0)
            inputs[..., 0] *= value
            self.append(Batch(inputs, torch.ones(1), torch.tensor([0])))

    def batches(self, *_: Any, **__: Any) -> Any:
        return iter(self)


@pytest.mark.parametrize("method", [SelectiveSynapticDampening, LossFreeDampening])
def test_dampening_is_for_what_the_forget_set_owns(method: Any):
    model, before = small_model(), copy_of(small_model())
    # The first of four utterances, the one to forget, is alone in using the first feature.
    data = Fixed([3.0, 0.0, 0.0, 0.0])
    statistics = Statistics(fisher(model, data), sensitivity(model, data))
    task = SimpleNamespace(forget=Fixed([3.0]), statistics=statistics)
    method(selection=3.9, dampening=1.0).unlearn(model, task)
    weight, start = model.classifier.weight, before["classifier.weight"]
    # It matters to the forget set four times as much as to the training set, of which that is a
    # quarter. Rounding is about 1e-7.
    torch.testing.assert_close(weight[:, 0], start[:, 0] / 4, rtol=1e-5, atol=0)
    assert torch.equal(weight[:, 1:], start[:, 1:])
    assert torch.equal(model.classifier.bias, before["classifier.bias"])


def test_lfssd_looks_at_no_labels_but_ssd_does(setup: ToySetup):
    def run(method: Any, shift: int) -> dict[str, Tensor]:
        model, task, _ = toy.make_task(setup, STATISTICS)
        labels = (task.forget.labels + shift) % EMOTIONS
        relabelled = SimpleNamespace(
            forget=task.forget.relabelled(labels), statistics=task.statistics
        )
        return copy_of(method(selection=1.0, dampening=1.0).unlearn(model, relabelled))

    for method, same in ((LossFreeDampening, True), (SelectiveSynapticDampening, False)):
        first, second = run(method, 0), run(method, 1)
        assert all(torch.equal(first[name], second[name]) for name in first) == same


def test_dampening_by_the_formula():
    model = small_model()
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([1.0, 1.0, 1.0, 1.0]))
    before = model.classifier.weight.clone()
    own = {"classifier.bias": torch.tensor([8.0, 3.0, 1.0, 0.0])}
    kept = {"classifier.bias": torch.tensor([2.0, 2.0, 2.0, 0.0])}
    dampen(model, own, kept, selection=1.2, dampening=2.0)
    # 2 * 2 / 8; 2 * 2 / 3 is more than one, and no weight grows; not selected; owned by nobody.
    assert model.classifier.bias.tolist() == [0.5, 1.0, 1.0, 1.0]
    assert torch.equal(model.classifier.weight, before)


# controls


def test_random_noise_is_as_large_as_it_says(setup: ToySetup):
    model, task, _ = make_task(setup, "random_noise")
    before = copy_of(model)
    RandomNoise(noise=0.3).unlearn(model, task)
    for name, weight in model.named_parameters():
        change = (weight.detach() - before[name]).norm() / before[name].norm()
        # The norm of n standard normal numbers is sqrt(n) within 5 / sqrt(2 n), five deviations.
        share = 5 / (2 * weight.numel()) ** 0.5
        assert abs(float(change) / 0.3 - 1) < max(share, 1e-3)


def test_reset_head_draws_the_classifier_anew_and_nothing_else(setup: ToySetup):
    heads = []
    for seed in (0, 1):
        model, task, _ = make_task(setup, "reset_head", seed=seed)
        before = copy_of(model)
        ResetHead().unlearn(model, task)
        for name, weight in model.named_parameters():
            assert torch.equal(weight, before[name]) != name.startswith("classifier")
        heads.append(copy_of(model.classifier))
    assert all((heads[0][name] != heads[1][name]).all() for name in heads[0])


def test_controls_need_nothing_and_draw_from_the_task_alone(setup: ToySetup):
    for method in (RandomNoise, ResetHead):
        assert method.needs == frozenset()
        drawn = torch.get_rng_state()
        task = SimpleNamespace(generator=torch.Generator().manual_seed(0), device="cpu")
        method().unlearn(small_model(), task)
        assert torch.equal(drawn, torch.get_rng_state())
