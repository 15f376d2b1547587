"""Methods that train a part of the weights: the last layers, or the salient ones."""

from __future__ import annotations

import copy

import pytest
import torch
from softmax_regression import linear_model, loss_on
from torch import nn
from torch.nn.functional import cross_entropy
from toys import ToySetup, make_task

from ser_unlearn.methods._layers import last_layers, learn_statistics, reinitialise
from ser_unlearn.methods._saliency import keep, largest, mean_gradient, salient, weights_of
from ser_unlearn.methods.catastrophic_forgetting_k import CatastrophicForgettingK
from ser_unlearn.methods.exact_unlearning_k import ExactUnlearningK
from ser_unlearn.methods.salun import Salun
from ser_unlearn.recogniser.model import Recogniser

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
    cls(k=2, steps=1).unlearn(model, task)
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
        results.append(ExactUnlearningK(k=1, steps=1).unlearn(model, task).state_dict())
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


# Penalties and signs


def test_salun_changes_salient_weights_alone_and_forgets(setup: ToySetup, learned: Recogniser):
    _, task, _ = make_task(setup, "salun")
    model = copy.deepcopy(learned)
    mask = salient(model, task.forget, 0.3, batch_size=32)
    before, loss = weights_of(model), loss_on(model, task.forget)
    Salun(share=0.3, alpha=1.0, learning_rate=3e-3, steps=5).unlearn(model, task)
    for name, weight in model.named_parameters():
        assert torch.equal(weight[~mask[name]], before[name][~mask[name]])
    after = torch.cat([each.detach().flatten() for each in model.parameters()])
    moved = after != torch.cat([each.flatten() for each in before.values()])
    # AdamW moves every weight that it may, but for those whose gradient and value are 0.
    assert 0.25 < moved.float().mean() <= 0.3 + 1e-6
    # Right labels would leave a well-trained model's loss near zero.
    assert loss_on(model, task.forget) > loss + 0.1
