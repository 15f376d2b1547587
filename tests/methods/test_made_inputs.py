"""Methods that make inputs: UNSIR's noise, and AMUN's adversarial examples."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from tiny_tasks import watch_losses
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from toys import EMOTIONS, FORGET, ToySetup, make_task

from ser_unlearn.methods import amun
from ser_unlearn.methods._nearest import Search, nearest
from ser_unlearn.methods.amun import Amun
from ser_unlearn.methods.unsir import Unsir
from ser_unlearn.recogniser.batches import Batch
from ser_unlearn.recogniser.model import Recogniser, frozen_copy


def test_unsir_noise_raises_the_error_of_the_label_it_wears(setup: ToySetup):
    model, task, _ = make_task(setup, "unsir")
    batch, frozen = next(task.forget.batches(8)), frozen_copy(model)

    def error(steps: int) -> float:
        generator = torch.Generator().manual_seed(0)
        noise = Unsir(noise_steps=steps).noise(frozen, batch, generator)
        assert noise.inputs.shape == batch.inputs.shape
        assert torch.equal(noise.labels, batch.labels)
        frames = (noise.lengths * noise.inputs.shape[1]).round().int().tolist()
        assert all(not each[n:].any() for each, n in zip(noise.inputs, frames, strict=True))
        return float(cross_entropy(frozen(noise.inputs, noise.lengths), noise.labels))

    # Twenty steps of a tenth of a spread move the noise by whole spreads.
    assert error(20) > error(0) + 0.5


def test_unsir_teaches_the_noise_its_label(setup: ToySetup, learned: Recogniser):
    _, task, _ = make_task(setup, "unsir")
    noise = Unsir().noise(frozen_copy(learned), next(task.forget.batches(32)), task.generator)
    _, same_task, _ = make_task(setup, "unsir")
    method = Unsir(impair_rate=5e-3, impair_steps=5, repair_steps=0)
    impaired = method.unlearn(copy.deepcopy(learned), same_task)

    def error(model: Recogniser) -> float:
        with torch.no_grad():
            logits = model.eval()(noise.inputs, noise.lengths)
        return float(cross_entropy(logits, noise.labels))

    # Fine-tuning on the retain set alone has no hold on inputs so far from speech.
    assert error(impaired) < 0.5 * error(learned)


def test_amun_finds_the_nearest_wrong_emotion(setup: ToySetup):
    model, task, _ = make_task(setup, "amun")
    original, batch = frozen_copy(model), task.forget.whole()
    method = Amun(radius=0.01, doublings=6, attack_steps=20)
    found = nearest(original, batch, method)
    assert (found.labels != batch.labels).all()
    assert torch.equal(original(found.inputs, found.lengths).argmax(1), found.labels)
    norms = batch.inputs.flatten(1).norm(dim=1)
    distances = (batch.inputs - found.inputs).flatten(1).norm(dim=1) / norms
    for which, distance in enumerate(distances.tolist()):
        # With half the last radius there is none, so the radius is the smallest of its series.
        power = math.ceil(math.log2(max(distance, 0.01) / 0.01) - 1e-3)
        if power:
            half = Amun(radius=0.01 * 2 ** (power - 1), doublings=0, attack_steps=20)
            alone = Batch(*(each[which : which + 1] for each in batch))
            assert torch.equal(nearest(original, alone, half).labels, alone.labels)


def test_amun_learns_the_retain_set_and_weighs_both_kinds_of_forget_batches(
    setup: ToySetup, monkeypatch: pytest.MonkeyPatch
):
    batches, seen = [], watch_losses(monkeypatch, amun)

    def found(original: nn.Module, batch: Batch, search: Search) -> Batch:
        batches.append(batch)
        return batch._replace(labels=(batch.labels + 1) % EMOTIONS)

    def gradient(alpha: float) -> Tensor:
        model, task, _ = make_task(setup, "amun")
        method = Amun(alpha=alpha, steps=1, batch_size=36)
        return method.unlearn(model, task).classifier.w.weight.grad.clone()

    monkeypatch.setattr(amun, "nearest", found)
    none, once, twice = (gradient(alpha) for alpha in (0.0, 0.5, 1.0))
    # The same seed draws the same batches: what alpha adds is in proportion. Single precision.
    torch.testing.assert_close(twice - none, 2 * (once - none), rtol=1e-4, atol=1e-6)
    assert (once != none).any()
    (retain, own, wrong), forget = [labels for _, labels in seen[:3]], batches[0].labels
    assert len(retain) == 36 - len(FORGET)
    assert torch.equal(own, forget)
    assert torch.equal(wrong, (forget + 1) % EMOTIONS)
