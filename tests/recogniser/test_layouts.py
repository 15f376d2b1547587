"""Layouts: what SpeechBrain's recipes say is what is trained, and nothing else happens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from foreign import LAYOUTS, UNHEARD, write_checkpoint, write_recipe
from torch import Tensor
from torch.nn.functional import normalize

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser import layouts
from ser_unlearn.recogniser.batches import Batch
from ser_unlearn.recogniser.costs import FlopMeter
from ser_unlearn.recogniser.model import Recogniser, build, frozen_copy, load
from ser_unlearn.recogniser.recipe import Recipe, load_recipe
from ser_unlearn.unlearning.attack import FromWaveforms, targeted_pgd

LENGTHS = torch.tensor([1.0, 0.75, 0.5])
LABELS = torch.tensor([2, 0, 1])

# Single precision: a sum of some hundred terms of size 1.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(params=LAYOUTS)
def recipe(request: pytest.FixtureRequest, tmp_path: Path) -> Recipe:
    return load_recipe(str(write_recipe(tmp_path, request.param)))


def inputs_of(recipe: Recipe) -> Tensor:
    """Inputs of three utterances, the shorter ones padded."""
    waveforms = 0.1 * torch.randn(3, 8000, generator=torch.Generator().manual_seed(0))
    inputs: Tensor = recipe.load(3).compute_features(waveforms)
    counts = (LENGTHS * inputs.shape[1]).round()
    return inputs * (torch.arange(inputs.shape[1]) < counts[:, None])[..., None]


def model_of(recipe: Recipe, n_emotions: int = 3) -> Recogniser:
    return build(recipe, n_emotions, seed=1).eval()


def test_a_layout_is_told_by_its_keys():
    for name, text in LAYOUTS.items():
        assert Recipe("foreign", text).layout.name == name
    assert load_recipe("ecapa").layout.name == "ecapa"


@pytest.mark.parametrize("n_emotions", [2, 7])
def test_the_corpus_decides_how_many_outputs_there_are(recipe: Recipe, n_emotions: int):
    logits = model_of(recipe, n_emotions)(inputs_of(recipe), LENGTHS)
    assert logits.shape == (3, n_emotions)


def test_a_number_of_outputs_without_a_name_is_found(tmp_path: Path):
    path = write_recipe(tmp_path, "ecapa", ("!ref <out_n_neurons>", "4"))
    assert model_of(load_recipe(str(path)), 6).classifier.weight.shape[0] == 6


def test_an_output_that_nothing_in_the_file_counts_is_refused(tmp_path: Path):
    path = write_recipe(
        tmp_path, "ecapa", ("    out_neurons: !ref <out_n_neurons>\n", ""), ("out_n_neurons: 4", "")
    )
    with pytest.raises(UserError, match="nothing in 'classifier' says how many outputs"):
        load_recipe(str(path)).load(4)


def test_the_models_seed_decides_whatever_the_file_seeds(recipe: Recipe):
    first, again, other = (build(recipe, 4, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_two_seeds_that_give_the_same_weights_are_refused(tmp_path: Path):
    path = write_recipe(
        tmp_path,
        "ecapa",
        # What a module takes as an argument cannot be left out.
        ("lin_neurons: 12", "lin_neurons: !apply:foreign_seed.seed_and_return [12]"),
    )
    module = tmp_path / "foreign_seed.py"
    module.write_text(
        "import torch\n\ndef seed_and_return(value):\n    torch.manual_seed(0)\n    return value\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        with pytest.raises(UserError, match="same weights for two seeds"):
            build(load_recipe(str(path)), 4, seed=1)


def test_nothing_is_written_and_what_is_not_honoured_is_named(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    build(recipe, 4, seed=1)
    assert sorted(tmp_path.rglob("*")) == before
    assert set(UNHEARD[recipe.layout.name]) <= set(recipe.unheard)
    assert not {"seed", "checkpointer", "opt_class", "lr", "out_n_neurons"} & set(recipe.unheard)


def test_what_the_project_ships_is_honoured_whole():
    for name in ("ecapa", "tiny", "ecapa_full", "wav2vec2", "hubert", "wavlm"):
        assert load_recipe(name).unheard == []


def test_a_file_is_called_after_what_it_says(tmp_path: Path):
    first = load_recipe(str(write_recipe(tmp_path, "ecapa"))).name
    other = load_recipe(str(write_recipe(tmp_path, "ecapa", ("lr: 0.001", "lr: 0.002")))).name
    assert first.startswith("train-")
    assert first != other
    with pytest.raises(UserError, match=r"recipe .*nowhere\.yaml cannot be read"):
        load_recipe(str(tmp_path / "nowhere.yaml"))


def test_the_margins_loss_is_speechbrains_own_and_logits_are_cosines_times_its_scale(
    tmp_path: Path,
):
    from speechbrain.nnet.losses import AdditiveAngularMargin, LogSoftmaxWrapper

    recipe = load_recipe(str(write_recipe(tmp_path, "ecapa")))
    hparams, model = recipe.load(3), model_of(recipe)
    inputs = inputs_of(recipe)
    embeddings = model.embed(inputs, LENGTHS)
    cosines = normalize(embeddings) @ normalize(model.classifier.weight).T
    logits = model(inputs, LENGTHS)
    torch.testing.assert_close(logits, 30 * cosines, **CLOSE)
    own = LogSoftmaxWrapper(AdditiveAngularMargin(margin=0.2, scale=30))
    wanted = own(cosines[:, None], LABELS[:, None], LENGTHS)
    torch.testing.assert_close(hparams.compute_cost(logits, LABELS), wanted, **CLOSE)
    # A margin makes it harder than cross-entropy.
    assert wanted > torch.nn.functional.cross_entropy(logits, LABELS)


def test_a_margin_without_cosines_is_refused(tmp_path: Path):
    path = write_recipe(
        tmp_path,
        "ecapa",
        ("speechbrain.lobes.models.ECAPA_TDNN.Classifier", "speechbrain.nnet.linear.Linear"),
        ("out_neurons", "n_neurons"),
    )
    with pytest.raises(UserError, match=r"which the classifier\s+Linear does not give"):
        load_recipe(str(path)).load(3)


def test_waveforms_are_encoded_pooled_and_judged_as_in_speechbrains_own_script(tmp_path: Path):
    from speechbrain.nnet.losses import nll_loss
    from speechbrain.nnet.pooling import StatisticsPooling

    recipe = load_recipe(str(write_recipe(tmp_path, "wav2vec2")))
    hparams, model = recipe.load(3), model_of(recipe)
    inputs = inputs_of(recipe)
    encoder = model.embedding_model.wav2vec2
    frames = encoder(inputs.squeeze(2) / 100, LENGTHS)
    pooled = StatisticsPooling(return_std=False)(frames, LENGTHS)
    logits = model(inputs, LENGTHS)
    # SpeechBrain's pooling adds noise of at most 9e-5 to each entry.
    torch.testing.assert_close(model.embed(inputs, LENGTHS)[:, None], pooled, rtol=0, atol=1e-4)
    wanted = nll_loss(logits.log_softmax(dim=1), LABELS)
    torch.testing.assert_close(hparams.compute_cost(logits, LABELS), wanted, **CLOSE)


def test_what_a_model_says_of_waveforms_is_not_left_to_chance(tmp_path: Path):
    recipe = load_recipe(str(write_recipe(tmp_path, "wav2vec2")))
    model, inputs = model_of(recipe), inputs_of(recipe)
    assert torch.equal(model(inputs, LENGTHS), model(inputs, LENGTHS))


def test_padding_is_not_heard_but_what_is_spoken_is(tmp_path: Path):
    recipe = load_recipe(str(write_recipe(tmp_path, "wav2vec2")))
    model, inputs = model_of(recipe), inputs_of(recipe)
    inputs.requires_grad_(True)
    model(inputs, LENGTHS).square().sum().backward()
    heard = inputs.grad.squeeze(2) != 0
    spoken = torch.arange(inputs.shape[1]) < (LENGTHS * inputs.shape[1]).round()[:, None]
    assert not heard[~spoken].any()
    assert heard[spoken].float().mean() > 0.9


def test_an_attack_on_waveforms_moves_what_is_spoken_within_its_radius(tmp_path: Path):
    recipe = load_recipe(str(write_recipe(tmp_path, "wav2vec2")))
    front_end, model = recipe.load(3).compute_features, frozen_copy(model_of(recipe))
    spoken = torch.arange(8000) < (LENGTHS * 8000)[:, None]
    waveforms = spoken * 0.1 * torch.randn(3, 8000, generator=torch.Generator().manual_seed(0))
    batch = Batch(waveforms, LENGTHS, LABELS)
    heard = FromWaveforms(front_end, model)
    attacked = targeted_pgd(heard, batch, LABELS, radius=0.1, steps=3, step_size=0.5)
    change = attacked - waveforms
    assert not change[~spoken].any()
    shares = change.norm(dim=1) / waveforms.norm(dim=1)
    # Single precision: sums of 8,000 squares.
    assert (shares > 0.05).all()
    assert (shares < 0.1 + 1e-5).all()
    # The same inputs, whether the front end gives them or the store.
    inputs = front_end(waveforms)
    torch.testing.assert_close(heard(waveforms, LENGTHS), model(inputs, LENGTHS), **CLOSE)


def test_frozen_weights_are_no_parameters_but_a_part_of_the_state(tmp_path: Path):
    path = write_recipe(tmp_path, "wav2vec2")
    model = model_of(load_recipe(str(path)))
    extractor = model.embedding_model.wav2vec2.model.feature_extractor
    assert list(extractor.parameters()) == []
    assert {name for name, _ in extractor.named_buffers()} == set(extractor.state_dict())
    assert all(weight.requires_grad for weight in model.parameters())


def test_an_encoder_that_is_frozen_whole_still_lets_its_input_be_attacked(tmp_path: Path):
    path = write_recipe(tmp_path, "wav2vec2", ("freeze_wav2vec2: False", "freeze_wav2vec2: True"))
    recipe = load_recipe(str(path))
    model, inputs = model_of(recipe), inputs_of(recipe).requires_grad_(True)
    assert list(model.embedding_model.parameters()) == []
    (gradient,) = torch.autograd.grad(model(inputs, LENGTHS).sum(), inputs)
    assert gradient.abs().sum() > 0


def test_operations_are_counted_of_both_layouts(recipe: Recipe):
    model, inputs = model_of(recipe), inputs_of(recipe)
    meter = FlopMeter(model)
    model(inputs, LENGTHS)
    assert meter.total() > 1e5


def test_what_is_loaded_is_what_was_stored(recipe: Recipe):
    model = model_of(recipe)
    again = load(recipe, 3, model.state_dict(), torch.device("cpu"))
    assert torch.equal(model(inputs_of(recipe), LENGTHS), again(inputs_of(recipe), LENGTHS))


@pytest.mark.parametrize("kind", ["hubert", "wavlm", "wav2vec2"])
def test_the_shipped_self_supervised_recipes_load_weights_from_a_folder(kind: str, tmp_path: Path):
    name = {"hubert": "Hubert", "wavlm": "WavLM", "wav2vec2": "Wav2Vec2"}[kind]
    write_checkpoint(tmp_path / "weights", name)
    text = load_recipe(kind).text.replace("encoder_dim: 768", "encoder_dim: 16")
    (source,) = [line for line in text.splitlines() if line.startswith("source:")]
    # A relative path starts where the recipe's file is.
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(source, "source: weights"))
    recipe = load_recipe(str(path))
    assert type(model_of(recipe).embedding_model.wav2vec2.model).__name__ == f"{name}Model"
    before = recipe.identity
    write_checkpoint(tmp_path / "weights", name, hidden_dropout=0.0)
    os.utime(tmp_path / "weights" / "config.json", ns=(1, 1))
    assert load_recipe(str(path)).identity != before
    assert load_recipe(str(path)).digest == recipe.digest


def test_weights_that_are_nowhere_are_refused_in_a_line(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no weights"):
        Recipe("own", LAYOUTS["wav2vec2"].replace("HUB", str(tmp_path / "empty"))).load(3)
    with pytest.raises(UserError, match="Connect to the network, or name a folder"):
        Recipe("own", LAYOUTS["wav2vec2"].replace("HUB", "nobody/nothing")).load(3)


def test_every_layout_says_where_its_modules_are(recipe: Recipe):
    model = model_of(recipe)
    for key in recipe.layout.parts:
        assert recipe.layout.module(model, key) is not None
    assert {each.name for each in layouts.LAYOUTS} == set(LAYOUTS)
