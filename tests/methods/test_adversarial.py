"""Adversarial unlearning: its three parts, how they are switched, and when it stops."""

from __future__ import annotations

import copy
from itertools import combinations

import pytest
import torch
from linear import Linear, linear_task
from torch.nn.functional import cross_entropy

from ser_unlearn.methods import adversarial
from ser_unlearn.methods.adversarial import Adversarial, departure, importances

SOFT = {"learning_rate": 0.02, "steps": 6, "batch_size": 4, "targets": 2, "attack_steps": 3}


def run(method, *, seed=0, **changes):
    model = Linear()
    task = linear_task(model, seed=seed)
    vars(task).update(changes)
    return method.unlearn(model, task), task


@pytest.fixture
def spied(monkeypatch):
    """What the parts of the method were called with."""
    calls = {"importances": 0, "attacks": [], "losses": []}
    attack, weigh, loss = adversarial.targeted_pgd, adversarial.importances, cross_entropy

    def targeted_pgd(model, batch, targets, **options):
        calls["attacks"].append((copy.deepcopy(model.state_dict()), batch, targets, options))
        assert not any(weight.requires_grad for weight in model.parameters())
        return attack(model, batch, targets, **options)

    def weighed(*args):
        calls["importances"] += 1
        return weigh(*args)

    def lost(logits, labels):
        calls["losses"].append(labels)
        return loss(logits, labels)

    monkeypatch.setattr(adversarial, "targeted_pgd", targeted_pgd)
    monkeypatch.setattr(adversarial, "importances", weighed)
    monkeypatch.setattr(adversarial, "cross_entropy", lost)
    return calls


def test_importance_on_a_linear_model_by_hand():
    """For f = W x + b: d ||f||^2 / dW_ij = 2 f_i x_j, and / db_i = 2 f_i."""
    model = Linear()
    task = linear_task(model)
    found = importances(model, task.forget)
    weight, bias = torch.zeros_like(model.head.weight), torch.zeros_like(model.head.bias)
    with torch.no_grad():
        for place in task.forget.places:
            x = task.forget.features[place].mean(0)
            f = model.head.weight @ x + model.head.bias
            weight += (2 * torch.outer(f, x)).abs()
            bias += (2 * f).abs()
    # Sums of eight products in another order: single precision leaves six digits.
    torch.testing.assert_close(found["head.weight"], weight / weight.max(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found["head.bias"], bias / bias.max(), rtol=1e-5, atol=1e-6)


def test_gradients_of_opposite_utterances_do_not_cancel():
    """The mean of absolute values is not the absolute value of the mean."""
    model = Linear()
    task = linear_task(model)
    for place in task.forget.places[4:]:
        # A view of the stored features: the second half mirrors the first.
        frames = task.forget.features[place]
        frames.copy_(-task.forget.features[place - 4].mean(0).expand_as(frames))
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.fill_(1)
    # With f = 1 everywhere the gradients by the weights, 2 x, sum to nothing.
    assert importances(model, task.forget)["head.weight"].max() == 1


def test_a_weight_without_gradient_has_no_importance():
    model = Linear()
    with torch.no_grad():
        model.head.weight.zero_()
    found = importances(model, linear_task(model).forget)
    assert all(torch.equal(each, torch.zeros_like(each)) for each in found.values())


def test_the_gradient_of_the_hold_by_hand():
    model = Linear()
    start = {name: torch.randn_like(weight) for name, weight in model.named_parameters()}
    hold = {name: torch.rand_like(weight) for name, weight in model.named_parameters()}
    departure(model, start, hold).backward()
    for name, weight in model.named_parameters():
        expected = 2 * hold[name] * (weight - start[name])
        torch.testing.assert_close(weight.grad, expected.detach())


@pytest.mark.parametrize("clip", [0.3, 1.0])
def test_unimportant_weights_are_held_firmest(clip):
    model = Linear()
    task = linear_task(model)
    hold = Adversarial(clip=clip)._hold(model, task.forget)
    for name, importance in importances(model, task.forget).items():
        torch.testing.assert_close(hold[name], 1 - importance.clamp(max=clip))
        # 1 - 0.3 in single precision
        assert hold[name].min() == pytest.approx(1 - clip, abs=1e-6)


def test_a_hold_keeps_the_weights_near():
    def moved(**changes):
        result, _ = run(Adversarial(**{**SOFT, "steps": 20}, **changes))
        return (result.head.weight - Linear().head.weight).norm().item()

    assert moved(strength=10.0) < moved(strength=0.0)
    # Without any importance every weight is held.
    assert moved(strength=10.0, clip=0.0) < moved(strength=10.0)


@pytest.mark.parametrize("seed", range(20))
def test_each_utterance_learns_one_wrong_label(seed):
    model = Linear()
    task = linear_task(model, seed=seed)
    own, relabelled, drawn = task.forget.labels, task.forget.relabelled, []
    task.forget.relabelled = lambda labels: drawn.append(labels) or relabelled(labels)
    Adversarial(**SOFT).unlearn(model, task)
    # Once for the whole run, not anew at every pass.
    (wrong,) = drawn
    assert (wrong != own).all()


def test_relabelled_utterances_are_what_is_learned(spied):
    model = Linear()
    task = linear_task(model)
    relabelled, drawn = task.forget.relabelled, []
    task.forget.relabelled = lambda labels: drawn.append(labels) or relabelled(labels)
    Adversarial(**SOFT, adversarial=False).unlearn(model, task)
    # Six steps of four pass through eight utterances three times.
    for learned in torch.stack(spied["losses"]).reshape(3, 8):
        assert learned.sort().values.tolist() == drawn[0].sort().values.tolist()


def test_examples_aim_past_the_true_label_and_are_all_kept(spied):
    run(Adversarial(**SOFT, radius=1e-6))
    assert len(spied["attacks"]) == 2 * 2  # targets, batches
    original = Linear().state_dict()
    for weights, batch, aims, options in spied["attacks"]:
        assert (aims != batch.labels).all()
        assert options == {"radius": 1e-6, "steps": 3, "step_size": 0.25}
        assert all(torch.equal(weights[name], original[name]) for name in original)
    # So small a radius never succeeds, and yet the examples are learned from.
    assert len(spied["losses"]) == 6 * 2  # steps, kinds of loss
    aims = {tuple(aims.tolist()) for _, _, aims, _ in spied["attacks"]}
    assert {tuple(labels.tolist()) for labels in spied["losses"][1::2]} <= aims


def test_waveforms_can_be_attacked(spied):
    method = Adversarial(**SOFT, domain="waveform")
    model = Linear()
    task = linear_task(model)
    examples = method._examples(adversarial.frozen_copy(model), task)
    for _, batch, _, _ in spied["attacks"]:
        assert batch.inputs.dim() == 2
    (_, batch, aims, _), example = spied["attacks"][0], examples[0]
    assert torch.equal(example.labels, aims)
    speech = (example.lengths * example.inputs.shape[1]).round().long()
    for row, frames in zip(example.inputs, speech, strict=True):
        assert torch.equal(row[frames:], torch.zeros_like(row[frames:]))
    clean = task.features(batch.inputs)
    distance = (example.inputs - clean).flatten(1).norm(dim=1)
    # The front end only regroups samples, so the ball is the same; rounding of a norm.
    assert (distance <= method.radius * batch.inputs.norm(dim=1) * (1 + 1e-5)).all()
    assert (distance > 0).all()
    result, _ = run(method)
    assert not torch.equal(result.head.weight, Linear().head.weight)


@pytest.mark.parametrize(
    ("changes", "attacks", "weighings"),
    [
        ({}, 4, 1),
        (Adversarial.variants["adv"], 4, 0),
        (Adversarial.variants["ela"], 0, 1),
        (Adversarial.variants["copies"], 0, 1),
        (Adversarial.variants["beside"], 4, 1),
    ],
)
def test_variants_switch_the_parts(spied, changes, attacks, weighings):
    run(Adversarial(**{**SOFT, **changes}))
    assert len(spied["attacks"]) == attacks
    assert spied["importances"] == weighings


def test_the_rows_differ():
    weights = [
        run(Adversarial(**{**SOFT, **changes}))[0].head.weight
        for changes in ({}, *Adversarial.variants.values())
    ]
    for first, second in combinations(weights, 2):
        assert not torch.equal(first, second)


def test_copies_carry_what_the_original_says_of_them():
    model = Linear()
    task = linear_task(model)
    copies = Adversarial(batch_size=8, targets=2, frames=5)._copies(model, task)
    assert [len(each.labels) for each in copies] == [8, 8]  # 2 of each of the 8 utterances
    for inputs, lengths, labels in copies:
        assert inputs.shape[1] == 5
        assert torch.equal(labels, model(inputs, lengths).argmax(dim=1))
    drawn = torch.cat([each.inputs for each in copies])
    assert len(drawn.unique(dim=0)) == len(drawn)


def test_copies_are_learned_in_place_of_examples_or_beside_them(spied):
    """Every step learns from the forget set, and from one batch of what stands in for the rest."""

    def labels_of(batches):
        return {tuple(each.labels.tolist()) for each in batches}

    for variant in ("copies", "beside"):
        method = Adversarial(**{**SOFT, **Adversarial.variants[variant], "steps": 80})
        model = Linear()
        task = linear_task(model)
        examples = method._examples(model.requires_grad_(False), task) if method.adversarial else []
        copies = method._copies(model, task)
        spied["losses"].clear()
        run(method)
        learned = {tuple(labels.tolist()) for labels in spied["losses"][1::2]}
        assert learned == labels_of(examples + copies)


@pytest.mark.parametrize(("changes", "looks"), [({}, 5), (Adversarial.variants["unseen"], 2)])
def test_it_stops_at_the_chosen_accuracy(changes, looks):
    said = [0.9, 0.5, 0.3, 0.25, 0.0, 0.0]
    asked = []

    def accuracy(model, data):
        asked.append(data.labels)
        return said[len(asked) - 1]

    method = Adversarial(**{**SOFT, "steps": 12, **changes})
    _, task = run(method, accuracy=accuracy, unseen_accuracy=0.6)
    assert len(asked) == looks
    # Accuracy counts the true labels.
    assert all(torch.equal(labels, task.forget.labels) for labels in asked)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stop": "never"}, "stop is 'never'. Choose one of: unseen, zero"),
        ({"domain": "time"}, "domain is 'time'. Choose one of: features, waveform"),
    ],
)
def test_unknown_choices_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        Adversarial(**changes)


def test_it_forgets():
    method = Adversarial(**{**SOFT, "steps": 200}, stop="unseen")
    result, task = run(method)
    assert task.accuracy(Linear(), task.forget) == 1
    assert task.accuracy(result, task.forget) <= task.unseen_accuracy


def test_the_seed_decides():
    def weights(seed):
        return run(Adversarial(**SOFT), seed=seed)[0].head.weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))
