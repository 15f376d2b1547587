"""What each method that rehearses the retain set does, where the answer is known."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from toys import EMOTIONS, FORGET, ToySetup, make_task

from ser_unlearn.methods._layers import last_layers, learn_statistics, reinitialise
from ser_unlearn.methods._saliency import keep, largest, mean_gradient, salient, weights_of
from ser_unlearn.methods.amun import Amun
from ser_unlearn.methods.bad_teaching import BadTeaching
from ser_unlearn.methods.catastrophic_forgetting_k import CatastrophicForgettingK
from ser_unlearn.methods.exact_unlearning_k import ExactUnlearningK
from ser_unlearn.methods.fisher_forgetting import FisherForgetting
from ser_unlearn.methods.influence import Influence
from ser_unlearn.methods.l1_sparse import L1Sparse
from ser_unlearn.methods.msg import Msg
from ser_unlearn.methods.neggrad_plus import NegGradPlus
from ser_unlearn.methods.salun import Salun
from ser_unlearn.methods.unsir import Unsir
from ser_unlearn.recogniser.batches import Batch, Utterances
from ser_unlearn.recogniser.model import Recogniser, frozen_copy


@pytest.fixture(scope="module")
def setup() -> ToySetup:
    return ToySetup()


class Mean(nn.Module):
    """The mean over time of inputs [B, T, F], as [B, 1, F]."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        speech = torch.arange(inputs.shape[1]) < (lengths[:, None] * inputs.shape[1]).round()
        return (inputs * speech[..., None]).sum(1, keepdim=True) / speech.sum(1)[:, None, None]


class Scaled(nn.Module):
    """Features in dB, made small enough for a linear model's softmax not to saturate."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        return inputs / 100


def linear_model() -> Recogniser:
    """A softmax regression on mean features: all about it can be derived by hand."""
    torch.manual_seed(0)
    return Recogniser(Scaled(), Mean(), nn.Linear(40, EMOTIONS))


@pytest.fixture(scope="module")
def learned(setup: ToySetup) -> Recogniser:
    """A model that knows the toy corpus well: there is something to forget."""
    model, _, _ = make_task(setup, "finetune")
    data = setup.utterances(setup.split.train, torch.Generator().manual_seed(0))
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    model.train()
    for _ in range(25):
        for inputs, lengths, labels in data.batches(18):
            optimiser.zero_grad()
            cross_entropy(model(inputs, lengths), labels).backward()
            optimiser.step()
    return model.eval()


def loss_on(model: Recogniser, data: Utterances) -> float:
    inputs, lengths, labels = data.whole()
    with torch.no_grad():
        return float(cross_entropy(model.eval()(inputs, lengths), labels))


def confidence_on(model: Recogniser, data: Utterances) -> float:
    inputs, lengths, _ = data.whole()
    with torch.no_grad():
        return float(model.eval()(inputs, lengths).softmax(dim=1).amax(dim=1).mean())


# Helpers


def test_a_layer_is_a_kernel_with_the_normalisation_after_it():
    model = nn.Sequential(
        nn.Conv1d(1, 2, 1), nn.BatchNorm1d(2), nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 2)
    )
    assert last_layers(model, 1) == [model[4]]
    assert last_layers(model, 3) == last_layers(model, 9) == [model[i] for i in (0, 1, 3, 4)]


def test_fresh_weights_come_from_the_generator_alone():
    states = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        module = nn.Linear(4, 4)
        before = module.weight.clone()
        rng = torch.get_rng_state()
        reinitialise([module], torch.Generator().manual_seed(5))
        assert torch.equal(torch.get_rng_state(), rng)
        assert not torch.equal(before, module.weight)
        states.append(module.weight.clone())
    assert torch.equal(*states)


def test_one_utterance_has_no_statistics_to_learn():
    norm = nn.BatchNorm1d(2)
    for utterances, learns in ((1, False), (2, True)):
        learn_statistics([norm], utterances)
        assert norm.training == learns


def test_the_largest_are_found_across_all_tensors_and_ties_keep_the_share():
    scores = {"a": torch.tensor([[1.0, 9.0]]), "b": torch.tensor([5.0, 2.0])}
    masks = largest(scores, 0.5)
    assert masks["a"].tolist() == [[False, True]]
    assert masks["b"].tolist() == [True, False]
    assert sum(int(mask.sum()) for mask in largest({"a": torch.zeros(10)}, 0.3).values()) == 3


def test_a_mean_gradient_is_that_of_the_whole_set(setup: ToySetup):
    model, (_, task, _) = linear_model(), make_task(setup, "salun")
    inputs, lengths, labels = task.forget.whole()
    cross_entropy(model(inputs, lengths), labels).backward()
    for name, gradient in mean_gradient(model, task.forget, 4).items():
        # Batches of three sum in another order than one of six.
        torch.testing.assert_close(gradient, model.get_parameter(name).grad, rtol=1e-4, atol=1e-6)


def test_saliency_goes_by_the_size_of_the_gradient(setup: ToySetup):
    model, task, _ = make_task(setup, "salun")
    gradient = mean_gradient(model, task.forget, 8)
    mask = salient(model, task.forget, 0.3, batch_size=8)
    inside = torch.cat([gradient[name].abs()[mask[name]] for name in mask])
    outside = torch.cat([gradient[name].abs()[~mask[name]] for name in mask])
    assert inside.min() >= outside.max()
    assert len(inside) == round(0.3 * (len(inside) + len(outside)))


def test_kept_weights_are_put_back_bit_for_bit():
    model = linear_model()
    before = weights_of(model)
    mask = {name: torch.rand(each.shape) > 0.5 for name, each in before.items()}
    with torch.no_grad():
        for weight in model.parameters():
            weight += 1
    keep(model, mask, before)
    for name, weight in model.named_parameters():
        assert torch.equal(weight == before[name], ~mask[name])


# The last k layers


@pytest.mark.parametrize("cls", [CatastrophicForgettingK, ExactUnlearningK])
def test_only_the_last_layers_change(setup: ToySetup, cls: type):
    name = {CatastrophicForgettingK: "catastrophic_forgetting_k"}.get(cls, "exact_unlearning_k")
    model, task, _ = make_task(setup, name)
    before = weights_of(model)
    cls(k=2, epochs=1).unlearn(model, task)
    changed = {key for key, each in model.named_parameters() if not torch.equal(each, before[key])}
    assert changed == {
        "classifier.w.weight",
        "classifier.w.bias",
        "embedding_model.fc.conv.weight",
        "embedding_model.fc.conv.bias",
    }
    assert all(weight.requires_grad for weight in model.parameters())
    # Nothing was computed for the frozen ones.
    assert {key for key, each in model.named_parameters() if each.grad is not None} == changed


def test_exact_unlearning_keeps_nothing_of_the_last_layers(setup: ToySetup):
    results = []
    for factor in (1, -3):
        model, task, _ = make_task(setup, "exact_unlearning_k")
        with torch.no_grad():
            model.classifier.w.weight *= factor
        results.append(ExactUnlearningK(k=1, epochs=1).unlearn(model, task).state_dict())
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


# Penalties and signs


def test_the_l1_penalty_pulls_by_its_sign_and_fades_by_the_step(setup: ToySetup):
    rate, gamma = 1e-4, 0.1

    def weights(epochs: int, gamma: float) -> Tensor:
        _, task, _ = make_task(setup, "l1_sparse")
        method = L1Sparse(gamma=gamma, learning_rate=rate, epochs=epochs, batch_size=64)
        result = method.unlearn(linear_model(), task)
        return torch.cat([each.detach().flatten() for each in result.parameters()])

    start = torch.cat([each.detach().flatten() for each in linear_model().parameters()])
    # One step: -rate * gamma * sign. Two: momentum adds 0.9 of the first, and the second is half
    # as strong. A share of 2 % covers rounding (1e-8 on steps of 1e-5) and the loss's curvature.
    for epochs, strength in ((1, 1.0), (2, 1.0 + 0.9 + 0.5)):
        pull = (weights(epochs, gamma) - weights(epochs, 0.0)) / (-rate * gamma * start.sign())
        assert pull.median().item() == pytest.approx(strength, rel=0.02)


@pytest.mark.parametrize(("beta", "sign"), [(0.0, 1), (1.0, -1)])
def test_neggrad_plus_climbs_the_forget_set_and_descends_the_retain_set(
    setup: ToySetup, beta: float, sign: int
):
    _, task, _ = make_task(setup, "neggrad_plus")
    model = linear_model()
    data = task.forget if beta == 0 else task.retain
    before = loss_on(model, data)
    # A convex problem, far from its optimum: small steps go down, or up, and nowhere else.
    NegGradPlus(beta=beta, learning_rate=1e-3, epochs=5).unlearn(model, task)
    assert sign * (loss_on(model, data) - before) > 0


def test_salun_changes_salient_weights_alone_and_forgets(setup: ToySetup, learned: Recogniser):
    _, task, _ = make_task(setup, "salun")
    model = copy.deepcopy(learned)
    mask = salient(model, task.forget, 0.3, batch_size=32)
    before, loss = weights_of(model), loss_on(model, task.forget)
    Salun(share=0.3, alpha=1.0, learning_rate=3e-3, epochs=5).unlearn(model, task)
    for name, weight in model.named_parameters():
        assert torch.equal(weight[~mask[name]], before[name][~mask[name]])
    after = torch.cat([each.detach().flatten() for each in model.parameters()])
    moved = after != torch.cat([each.flatten() for each in before.values()])
    # AdamW moves every weight that it may, but for those whose gradient and value are 0.
    assert 0.25 < moved.float().mean() <= 0.3 + 1e-6
    # Right labels would leave a well-trained model's loss near zero.
    assert loss_on(model, task.forget) > loss + 0.1


# Teachers


def test_the_divergence_is_from_teacher_to_student_between_distributions():
    method = BadTeaching(temperature=1.0)
    teacher, student = torch.tensor([[0.75, 0.25]]).log(), torch.tensor([[0.5, 0.5]]).log()
    forward = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    # Rounding of float32 on numbers near 0.1.
    assert method.divergence(teacher + 7, student - 3).item() == pytest.approx(forward, abs=1e-6)
    assert method.divergence(student, teacher).item() != pytest.approx(forward, abs=1e-3)
    assert method.divergence(teacher, teacher).item() == 0
    cool = BadTeaching(temperature=2.0).divergence(2 * teacher, 2 * student)
    assert cool.item() == pytest.approx(forward, abs=1e-6)


def test_bad_teaching_takes_the_confidence_away_where_it_should_forget(
    setup: ToySetup, learned: Recogniser
):
    _, task, _ = make_task(setup, "bad_teaching")
    model = copy.deepcopy(learned)
    forget, retain = confidence_on(model, task.forget), confidence_on(model, task.retain)
    BadTeaching(learning_rate=2e-3, epochs=15, retain_share=1.0).unlearn(model, task)
    lost_forget = forget - confidence_on(model, task.forget)
    lost_retain = retain - confidence_on(model, task.retain)
    # With one teacher for both sets, the two would lose alike.
    assert lost_forget > lost_retain + 0.05


# Inputs that are made


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
    method = Unsir(impair_rate=5e-3, impair_epochs=5, repair_epochs=0)
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
    found = method._nearest(original, batch)
    assert len(found.labels) == len(FORGET)
    assert torch.equal(original(found.inputs, found.lengths).argmax(1), found.labels)
    norms = batch.inputs.flatten(1).norm(dim=1)
    for inputs, label in zip(found.inputs, found.labels, strict=True):
        distances = (batch.inputs - inputs).flatten(1).norm(dim=1) / norms
        which = int(distances.argmin())
        assert label != batch.labels[which]
        # With half the last radius there is none, so the radius is the smallest of its series.
        power = math.ceil(math.log2(max(float(distances[which]), 0.01) / 0.01) - 1e-3)
        if power:
            half = Amun(radius=0.01 * 2 ** (power - 1), doublings=0, attack_steps=20)
            alone = Batch(*(each[which : which + 1] for each in batch))
            assert not len(half._nearest(original, alone).labels)


def test_amun_lets_go_of_what_withstands_every_radius(setup: ToySetup):
    model, task, _ = make_task(setup, "amun")
    batch = task.forget.whole()
    right = frozen_copy(model)(batch.inputs, batch.lengths).argmax(1) == batch.labels
    found = Amun(radius=1e-9, doublings=0)._nearest(frozen_copy(model), batch)
    assert len(found.labels) == int((~right).sum())
    Amun(radius=1e-9, doublings=0, epochs=1).unlearn(model, task)


# Curvature


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
    Msg(share=0.25, learning_rate=0.0, epochs=1).unlearn(model, task)
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
    Msg(share=0.25, kept_scale=0.0, epochs=1).unlearn(model, task)
    for name, weight in model.named_parameters():
        if weight.dim() > 1 and not name.startswith("classifier."):
            assert int((weight == before[name]).sum()) == weight.numel() - round(
                0.25 * weight.numel()
            )
