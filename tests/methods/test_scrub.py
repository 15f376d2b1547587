"""SCRUB: which way each of its steps goes, and which model it returns."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from linear import EMOTIONS, Linear, linear_task

from ser_unlearn.methods import scrub
from ser_unlearn.methods.scrub import Scrub, divergence

SOFT = {"learning_rate": 0.01, "up_steps": 2, "down_steps": 2, "batch_size": 8}


def parted(before, after, data):
    inputs, lengths, _ = data.whole()
    with torch.no_grad():
        return divergence(before(inputs, lengths), after(inputs, lengths), 4.0).item()


@given(seed=st.integers(0, 2**32), size=st.floats(0.01, 50), temperature=st.floats(0.5, 10))
def test_divergence_is_never_negative(seed, size, temperature):
    generator = torch.Generator().manual_seed(seed)
    teacher, student = size * torch.randn(2, 5, EMOTIONS, generator=generator)
    # Log-probabilities of some hundreds are known to about 1e-5, and T^2 multiplies by up to 100.
    assert divergence(teacher, student, temperature) >= -1e-3
    assert divergence(teacher, teacher, temperature) == 0


def test_divergence_by_hand():
    teacher, student = torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 0.0]])
    # T = 2: teacher (1/2, 1/2), student (p, 1 - p) with p = e / (1 + e);
    # KL = -ln 2 - (ln p + ln (1 - p)) / 2
    e = torch.tensor(1.0).exp()
    p = e / (1 + e)
    expected = 4 * (-torch.tensor(2.0).log() - (p.log() + (1 - p).log()) / 2)
    # The numbers are near 1, and single precision has seven digits.
    torch.testing.assert_close(divergence(teacher, student, 2.0), expected, atol=1e-6, rtol=0)


def test_divergence_is_of_distributions_not_of_raw_logits():
    teacher, student = torch.randn(2, 3, EMOTIONS, generator=torch.Generator().manual_seed(0))
    shifted = divergence(teacher + 5, student - 3, 4.0)
    # A shift of all logits says nothing; it costs a digit or two of single precision.
    torch.testing.assert_close(shifted, divergence(teacher, student, 4.0), atol=1e-4, rtol=0)


def test_a_climbing_pass_parts_the_models(monkeypatch):
    """Without repair, for alpha = gamma = 0 leaves the descending pass without a gradient."""
    model = Linear()
    before, task = copy.deepcopy(model), linear_task(model)
    with torch.no_grad():  # at the teacher's own weights the divergence is flat
        model.head.weight.add_(0.05)
    start = parted(before, model, task.forget)
    monkeypatch.setattr(scrub, "frozen_copy", lambda _: before)
    Scrub(**SOFT, rounds=2, msteps=2, alpha=0.0, gamma=0.0).unlearn(model, task)
    assert parted(before, model, task.forget) > start


def test_a_descending_pass_brings_the_models_together(monkeypatch):
    model = Linear()
    before, task = copy.deepcopy(model), linear_task(model)
    with torch.no_grad():
        model.head.weight.add_(0.3 * torch.randn(EMOTIONS, 6))
    start = parted(before, model, task.retain)
    monkeypatch.setattr(scrub, "frozen_copy", lambda _: before)
    Scrub(**SOFT, rounds=3, msteps=0, alpha=1.0, gamma=0.0).unlearn(model, task)
    assert parted(before, model, task.retain) < start


@pytest.mark.parametrize(("rounds", "msteps"), [(1, 1), (4, 2), (3, 3), (2, 5)])
def test_it_ends_on_steps_down(rounds, msteps):
    model = Linear()
    task = linear_task(model)
    heard = []
    for name in ("forget", "retain"):
        data = getattr(task, name)
        batch = data._batch

        def watched(*args, name=name, batch=batch):
            heard.append(name)
            return batch(*args)

        data._batch = watched
    Scrub(**SOFT, rounds=rounds, msteps=msteps).unlearn(model, task)
    up, down = ["forget"] * 2, ["retain"] * 2
    assert heard == (up + down) * min(rounds, msteps) + down * max(0, rounds - msteps)


def test_a_larger_forget_set_takes_no_more_steps_up(monkeypatch):
    def steps_up(n_forget):
        model = Linear()
        task = linear_task(model)
        task.forget.places = list(range(n_forget))
        steps = []
        monkeypatch.setattr(
            scrub, "divergence", lambda *args: steps.append(len(args[0])) or divergence(*args)
        )
        Scrub(**SOFT, rounds=1, msteps=1).unlearn(model, task)
        return steps[:-2]  # the steps down

    assert [steps_up(size) for size in (1, 2, 8, 16)] == [[1, 1], [2, 2], [8, 8], [8, 8]]


def test_the_teacher_is_separate_and_unchanged(monkeypatch):
    model = Linear()
    before = copy.deepcopy(model.state_dict())
    teachers = []

    def kept(given):
        teachers.append(copy.deepcopy(given).eval().requires_grad_(False))
        return teachers[-1]

    monkeypatch.setattr(scrub, "frozen_copy", kept)
    result = Scrub(**SOFT).unlearn(model, linear_task(model))
    (teacher,) = teachers
    for name, weight in teacher.state_dict().items():
        assert torch.equal(weight, before[name])
        assert weight.data_ptr() != result.state_dict()[name].data_ptr()
    assert not torch.equal(result.head.weight, before["head.weight"])


# 0.625 is equally near, exactly, to 0.75 and 0.5: the later one has had more repair.
@pytest.mark.parametrize(
    ("accuracies", "expected", "nearest"),
    [((0.9, 0.7, 0.5, 0.3), 0.55, 2), ((1.0, 0.75, 0.5, 0.0), 0.625, 2), ((0.9, 1, 1, 1), 0.6, 0)],
)
def test_rewinding_returns_the_nearest_of_the_rounds_models(accuracies, expected, nearest):
    model = Linear()
    task = linear_task(model, unseen_accuracy=expected)
    said = iter(accuracies)
    states = []

    def accuracy(model, data):
        assert data.places == task.forget.places
        states.append(copy.deepcopy(model.state_dict()))
        return next(said)

    task.accuracy = accuracy
    result = Scrub(**SOFT, rounds=4, rewind=True).unlearn(model, task)
    assert torch.equal(result.head.weight, states[nearest]["head.weight"])


def test_without_rewinding_the_last_model_is_returned():
    def last(rewind):
        model = Linear()
        task = linear_task(model, unseen_accuracy=0.0)
        said = iter([0.0, 1.0, 1.0, 1.0])
        task.accuracy = lambda *_: next(said)
        return Scrub(**SOFT, rounds=4, rewind=rewind).unlearn(model, task).head.weight

    assert not torch.equal(last(False), last(True))


def test_the_seed_decides():
    def weights(seed):
        model = Linear()
        # More than one batch and crops: the order matters.
        return Scrub(**SOFT).unlearn(model, linear_task(model, seed=seed)).head.weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))
