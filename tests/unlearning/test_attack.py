"""Adversarial examples: within their ball, off the padding, at the right emotion."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from linear import EMOTIONS, Linear, random_batch

from ser_unlearn import Batch, FromWaveforms, frozen_copy, other_labels, targeted_pgd
from ser_unlearn.unlearning.attack import project

# A norm in single precision is exact to a few units of 6e-8; 1e-5 leaves room for hundreds of them.
ROUNDING = 1e-5


def norms(inputs: torch.Tensor) -> torch.Tensor:
    return inputs.flatten(1).norm(dim=1)


@given(
    labels=st.lists(st.integers(0, 6), min_size=1, max_size=50),
    seed=st.integers(0, 2**32),
    spare=st.integers(0, 3),
)
def test_other_labels_are_never_the_own(labels, seed, spare):
    n_emotions = max(2, max(labels) + 1 + spare)
    own = torch.tensor(labels)
    drawn = other_labels(own, n_emotions, torch.Generator().manual_seed(seed))
    assert (drawn != own).all()
    assert ((drawn >= 0) & (drawn < n_emotions)).all()


def test_other_labels_are_uniform():
    own = torch.full((30_000,), 2)
    drawn = other_labels(own, 4, torch.Generator().manual_seed(0))
    shares = drawn.bincount(minlength=4) / len(own)
    # The standard error of a share is 0.0027; 0.012 is more than four of them.
    torch.testing.assert_close(shares, torch.tensor([1, 1, 0, 1]) / 3, atol=0.012, rtol=0)


def test_two_emotions_leave_one_choice():
    own = torch.tensor([0, 1, 1, 0])
    assert other_labels(own, 2, torch.Generator()).tolist() == [1, 0, 0, 1]


def test_projection_by_hand():
    change = torch.tensor([[[3.0, 4.0]], [[0.3, 0.4]], [[0.0, 0.0]]])
    radii = torch.full((3, 1, 1), 2.5)
    # The first has norm 5 and is halved; the others lie within.
    expected = torch.tensor([[[1.5, 2.0]], [[0.3, 0.4]], [[0.0, 0.0]]])
    torch.testing.assert_close(project(change, radii), expected)


def test_one_step_by_hand():
    """Two emotions, one frame: the gradient of the loss is parallel to the difference of rows."""
    model = Linear(2)
    with torch.no_grad():
        model.head.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-50, -50], [-50, -50]]))
    batch = Batch(torch.tensor([[[6.0, 8.0]]]), torch.ones(1), torch.tensor([1]))
    targets = torch.tensor([0])
    changed = targeted_pgd(frozen_copy(model), batch, targets, radius=0.5, steps=1, step_size=0.2)
    # The norm is 10, so the radius is 5 and the step 1, along (1, -1) / sqrt(2). The other two
    # emotions have probability exp(-700), which is 0 in single precision.
    step = torch.tensor([[[1.0, -1.0]]]) / 2**0.5
    torch.testing.assert_close(changed, batch.inputs + step)


@pytest.mark.parametrize("radius", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("steps", [1, 10])
def test_radius_is_relative_to_each_input(radius, steps):
    batch = random_batch()
    batch = batch._replace(inputs=batch.inputs * torch.tensor([1.0, 100.0, 0.01])[:, None, None])
    targets = other_labels(batch.labels, EMOTIONS, torch.Generator())
    changed = targeted_pgd(
        frozen_copy(Linear()), batch, targets, radius=radius, steps=steps, step_size=0.25
    )
    shares = norms(changed - batch.inputs) / norms(batch.inputs)
    assert (shares <= radius * (1 + ROUNDING) + ROUNDING).all()
    assert (shares > 0).all()


def test_a_long_step_ends_on_the_ball():
    batch = random_batch()
    targets = other_labels(batch.labels, EMOTIONS, torch.Generator())
    changed = targeted_pgd(
        frozen_copy(Linear()), batch, targets, radius=0.1, steps=1, step_size=3.0
    )
    shares = norms(changed - batch.inputs) / norms(batch.inputs)
    torch.testing.assert_close(shares, torch.full((3,), 0.1), atol=ROUNDING, rtol=0)


def test_padding_is_left_alone():
    batch = random_batch(lengths=(5, 3, 1))
    # Even where a model looks at the padding, and where the padding is not zero.
    batch.inputs[1, 3:] = 7.0

    class Everywhere(torch.nn.Module):
        def forward(self, inputs, lengths):
            return inputs.mean(1)[:, :EMOTIONS]

    targets = other_labels(batch.labels, EMOTIONS, torch.Generator())
    changed = targeted_pgd(Everywhere(), batch, targets, radius=0.2, steps=5, step_size=0.5)
    for row, length in enumerate((5, 3, 1)):
        assert torch.equal(changed[row, length:], batch.inputs[row, length:])
        assert not torch.equal(changed[row, :length], batch.inputs[row, :length])
    # The padding does not widen the ball either.
    speech = batch.inputs[1, :3].norm()
    assert (changed - batch.inputs)[1].norm() <= 0.2 * speech * (1 + ROUNDING)


def test_success_rises_with_the_radius():
    model = frozen_copy(Linear())
    batch = random_batch(lengths=(3,) * 100)
    batch = batch._replace(labels=model(batch.inputs, batch.lengths).argmax(1))
    targets = other_labels(batch.labels, EMOTIONS, torch.Generator())

    def success(radius):
        changed = targeted_pgd(model, batch, targets, radius=radius, steps=20, step_size=0.25)
        return (model(changed, batch.lengths).argmax(1) == targets).float().mean().item()

    rates = [success(radius) for radius in (0.0, 0.1, 0.4, 3.0)]
    assert rates == sorted(rates)
    assert rates[0] == 0.0
    assert rates[-1] == 1.0


def test_an_input_is_attacked_as_if_it_were_alone():
    model, batch = frozen_copy(Linear()), random_batch(lengths=(4, 4))
    targets = other_labels(batch.labels, EMOTIONS, torch.Generator())
    options = {"radius": 0.2, "steps": 5, "step_size": 0.25}
    together = targeted_pgd(model, batch, targets, **options)
    first = Batch(batch.inputs[:1], batch.lengths[:1], batch.labels[:1])
    alone = targeted_pgd(model, first, targets[:1], **options)
    # Matrix products of other sizes may add in another order.
    torch.testing.assert_close(alone, together[:1], atol=ROUNDING, rtol=ROUNDING)


def test_silence_stays_silence():
    batch = random_batch()._replace(inputs=torch.zeros(3, 5, 6))
    changed = targeted_pgd(
        frozen_copy(Linear()), batch, batch.labels, radius=0.1, steps=3, step_size=0.5
    )
    assert torch.equal(changed, batch.inputs)


def test_the_attack_leaves_no_trace():
    model, batch = frozen_copy(Linear()), random_batch()
    before = batch.inputs.clone()
    changed = targeted_pgd(model, batch, batch.labels, radius=0.1, steps=3, step_size=0.5)
    assert torch.equal(batch.inputs, before)
    assert not changed.requires_grad
    assert all(weight.grad is None for weight in model.parameters())


def test_a_model_that_takes_gradients_is_refused():
    with pytest.raises(ValueError, match="frozen copy"):
        targeted_pgd(Linear(), random_batch(), torch.zeros(3), radius=1, steps=1, step_size=1)


def front_end(waveforms):
    """Six samples a frame, in something like dB: silence is -100, not 0."""
    return waveforms.unflatten(1, (-1, 6)).abs().clamp_min(1e-5).log10() * 20


def test_waveforms_are_attacked_through_the_front_end():
    generator = torch.Generator().manual_seed(1)
    waveforms = 0.1 * torch.randn(2, 24, generator=generator)
    waveforms[1, 12:] = 0
    batch = Batch(waveforms, torch.tensor([1.0, 0.5]), torch.tensor([0, 1]))
    model = FromWaveforms(front_end, frozen_copy(Linear()))
    targets = torch.tensor([2, 3])
    changed = targeted_pgd(model, batch, targets, radius=0.5, steps=10, step_size=0.25)
    loss = torch.nn.functional.cross_entropy
    with torch.no_grad():
        assert loss(model(changed, batch.lengths), targets) < loss(
            model(waveforms, batch.lengths), targets
        )
    assert torch.equal(changed[1, 12:], waveforms[1, 12:])
    assert (norms(changed - waveforms) <= 0.5 * norms(waveforms) * (1 + ROUNDING)).all()


def test_frames_of_padding_are_zero():
    waveforms = torch.full((2, 24), 0.1)
    waveforms[1, 12:] = 0
    lengths = torch.tensor([1.0, 0.5])
    features = FromWaveforms(front_end, Linear()).features(waveforms, lengths)
    torch.testing.assert_close(features[0], torch.full((4, 6), -20.0))
    torch.testing.assert_close(features[1, :2], torch.full((2, 6), -20.0))
    assert torch.equal(features[1, 2:], torch.zeros(2, 6))
