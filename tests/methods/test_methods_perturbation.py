"""Perturbation distillation, where the answer is known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, softmax
from toys import FORGET, ToySetup, make_task

from ser_unlearn import Batch, Recogniser, frozen_copy
from ser_unlearn.methods import perturbation_distillation
from ser_unlearn.methods._perturbations import BISECTIONS, perturbed, shrink
from ser_unlearn.methods.perturbation_distillation import PerturbationDistillation, adjusted, lead
from ser_unlearn.recogniser.outputs import predict

NAME = "perturbation_distillation"
SHORT = {"copies": 8, "frames": 50}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def utterances() -> Batch:
    """Three utterances of 40, 12 and 25 frames: all frames of one have its number times 100 dB."""
    counts = torch.tensor([40, 12, 25])
    levels = 100.0 * torch.tensor([1, 2, 3])
    inputs = levels[:, None, None].expand(3, 40, 20).clone()
    # Padding that would not go unnoticed.
    inputs[torch.arange(40)[None] >= counts[:, None]] = torch.nan
    return Batch(inputs, counts / 40, torch.tensor([0, 1, 2]))


@pytest.mark.parametrize("frames", [10, 40, 70])
def test_copies_have_the_length_asked_for_and_hold_no_padding(frames: int):
    batch = perturbed(utterances(), 64, frames, generator())
    assert batch.inputs.shape == (64, frames, 20)
    assert torch.equal(batch.lengths, torch.ones(64))
    # One frame of padding would make its copy not a number.
    assert torch.isfinite(batch.inputs).all()


def test_copies_are_made_of_every_utterance_and_of_several_at_once():
    batch = perturbed(utterances(), 64, 30, generator())
    # The mean over the bands leaves little of the noise: 3 dB / sqrt(20), against 100 dB.
    level = batch.inputs.mean(dim=2)
    assert set(batch.labels.tolist()) == {0, 1, 2}
    # Half of the copies are mixed with a third stretch; the others begin as their label says.
    begins = (level[:, 0] / 100 - batch.labels - 1).abs() < 0.05
    assert 0.3 < begins.float().mean() < 0.95
    # Two thirds of the pairs that are spliced differ in level.
    assert 0.3 < ((level.amax(1) - level.amin(1)) > 20).float().mean() < 0.95


def test_stretches_are_read_at_speeds_of_their_own_and_in_order():
    inputs = torch.arange(400.0)[None, :, None].expand(1, 400, 20).contiguous() * 10
    batch = perturbed(Batch(inputs, torch.ones(1), torch.tensor([0])), 64, 100, generator())
    # Frames are 10 dB apart at normal speed; a median does not see the splice.
    steps = batch.inputs.mean(dim=2).diff(dim=1).median(dim=1).values
    # Noise of 3 dB over 20 bands, halved again by the median, shifts a step by far less than 1 dB.
    assert 6 < steps.min() < 8.5
    assert 11.5 < steps.max() < 15


def test_copies_depend_on_the_generator_alone():
    first, again, other = (
        perturbed(utterances(), 8, 30, generator(seed)).inputs for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_copies_leave_the_utterances_as_they_were():
    batch = utterances()
    perturbed(batch, 8, 30, generator())
    assert torch.equal(batch.inputs.nan_to_num(), utterances().inputs.nan_to_num())


def test_the_lead_is_over_the_best_wrong_emotion():
    logits = torch.tensor([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    assert lead(logits, torch.tensor([0, 1])).tolist() == [1.0, -2.0]


class Fixed(nn.Module):
    """Whose logits are its weights, whatever it is asked."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return self.logits.expand(len(inputs), -1)


def one(label: int) -> Batch:
    return Batch(torch.zeros(1, 4, 2), torch.ones(1), torch.tensor([label]))


def test_what_is_lacking_lowers_the_true_emotion_and_raises_the_best_wrong_one_alone():
    model = Fixed(torch.tensor([4.0, 1.0, 2.0]))
    lack = PerturbationDistillation(margin=0.5)._lack(model, one(0))
    lack.backward()
    assert lack == 2.5
    assert model.logits.grad is not None
    assert model.logits.grad.tolist() == [1, 0, -1]


def test_a_margin_that_is_reached_lacks_nothing():
    model = Fixed(torch.tensor([0.0, 1.5, 0.0]))
    assert PerturbationDistillation(margin=1.0)._lack(model, one(0)) == 0


def test_pressure_rises_and_falls_within_bounds():
    assert adjusted(10.0, True) == pytest.approx(10.5)
    assert adjusted(10.0, False) == pytest.approx(9.5)
    assert adjusted(1.0, False) == 1
    assert adjusted(100.0, True) == 100


def test_distillation_is_the_divergence_of_softened_distributions_from_the_original():
    original, model = Fixed(torch.tensor([2.0, 0.0, -2.0])), Fixed(torch.tensor([0.0, 1.0, 0.0]))
    method = PerturbationDistillation(temperature=2.0)
    found = method._distillation(original, model, one(0))
    p, q = (softmax(each.logits.detach() / 2, 0) for each in (original, model))
    # 4 is the square of the temperature; float32.
    assert found.item() == pytest.approx(4 * float((p * (p / q).log()).sum()), rel=1e-5)
    # It is blind to what a softmax is blind to: a divergence of raw logits is not.
    shifted = Fixed(model.logits.detach() + 7)
    assert method._distillation(original, shifted, one(0)).item() == pytest.approx(
        found.item(), rel=1e-4
    )
    assert method._distillation(original, frozen_copy(original), one(0)).item() == 0


@pytest.mark.parametrize("border", [0.3, 0.999, 1.1, 1.9])
def test_shrinking_stops_just_where_the_forget_set_is_still_forgotten(border: float):
    original, model = Fixed(torch.tensor([1.0, 0.0])), Fixed(torch.tensor([0.0, 3.0]))
    starts, ends = original.logits.clone(), model.logits.clone()

    def forgotten() -> bool:
        return bool(model.logits[0] <= 1 - border)

    place = shrink(model, original, forgotten)
    assert forgotten()
    # The interval that is halved is at most 2 long.
    assert 0 <= place - border <= 2 / 2**BISECTIONS
    assert torch.allclose(model.logits, starts + place * (ends - starts), atol=1e-6)
    assert torch.equal(original.logits, starts)


def test_shrinking_gives_the_trained_weights_back_where_nothing_helps():
    original, model = Fixed(torch.tensor([1.0, 0.0])), Fixed(torch.tensor([0.0, 3.0]))
    assert shrink(model, original, lambda: False) == 1
    assert model.logits.tolist() == [0, 3]


def right(setup: ToySetup, model: Recogniser) -> list[int]:
    """The utterances of the usual forget set that a model classifies right."""
    found = predict(model, setup.features, FORGET, setup.device).argmax(dim=1)
    return [place for place in FORGET if int(found[place]) == setup.labels[place]]


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["zero", "unseen"])
def test_it_stops_where_it_is_told_to(setup: ToySetup, stop: str):
    model, task, _ = make_task(setup, NAME)
    assert len(right(setup, model)) > 3
    task.unseen_accuracy = 0.5
    method = PerturbationDistillation(steps=40, learning_rate=5e-3, stop=stop, **SHORT)
    left = right(setup, method.unlearn(model, task))
    # Half of six are three; more is forgotten only where several go at one step of the search.
    assert len(left) == 0 if stop == "zero" else 1 <= len(left) <= 3


def test_without_pressure_nothing_is_forgotten(setup: ToySetup, monkeypatch: pytest.MonkeyPatch):
    seen = []

    def released(pressure: float, rise: bool) -> float:
        seen.append((pressure, rise))
        return 0.0

    monkeypatch.setattr(perturbation_distillation, "adjusted", released)
    model, task, _ = make_task(setup, NAME)
    before = right(setup, model)
    method = PerturbationDistillation(steps=10, learning_rate=1e-4, **SHORT)
    assert right(setup, method.unlearn(model, task)) == before
    # At the start most of the forget set lacks the margin; one batch holds it all.
    assert seen[0] == (1.0, True)
    assert [pressure for pressure, _ in seen[1:]] == [0.0] * 9


def test_its_steps_do_not_depend_on_the_size_of_the_forget_set(
    setup: ToySetup, monkeypatch: pytest.MonkeyPatch
):
    drawn = []

    def counted(*arguments: Any) -> Batch:
        drawn.append(1)
        return perturbed(*arguments)

    monkeypatch.setattr(perturbation_distillation, "perturbed", counted)
    for forget in (FORGET[:1], FORGET):
        model, task, _ = make_task(setup, NAME, forget=forget)
        PerturbationDistillation(steps=4, batch_size=2, **SHORT).unlearn(model, task)
        assert len(drawn) == 4
        drawn.clear()


@pytest.mark.slow
def test_distillation_keeps_what_the_original_says_of_the_retain_set(setup: ToySetup):
    places = list(range(len(FORGET), 36))

    def divergence(weight: float) -> float:
        model, task, _ = make_task(setup, NAME)
        before = log_softmax(predict(model, setup.features, places, setup.device), dim=1)
        method = PerturbationDistillation(steps=40, learning_rate=1e-3, weight=weight, **SHORT)
        result = method.unlearn(model, task)
        assert not right(setup, result)
        after = log_softmax(predict(result, setup.features, places, setup.device), dim=1)
        return float((before.exp() * (before - after)).sum(dim=1).mean())

    # Both forget everything. With the student as its own teacher the two would be alike; they
    # differ by a factor of 30 at this learning rate, so 2 leaves room for other processors.
    assert divergence(3.0) < divergence(0.0) / 2


def test_a_mistyped_goal_is_named_at_once():
    with pytest.raises(ValueError, match="stop is 'none'"):
        PerturbationDistillation(stop="none")
