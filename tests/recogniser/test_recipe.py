"""Recipes: what they define, what is wrong with a bad one, and what their hash depends on."""

import pytest
import torch
from mutations import survive
from torch import nn

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser import recipe
from ser_unlearn.recogniser.layouts import ecapa
from ser_unlearn.recogniser.model import build, load
from ser_unlearn.recogniser.recipe import RECIPES, Recipe, load_recipe, recipe_names

ECAPA = load_recipe("ecapa").text

# Every key, as cheap as can be.
MINIMAL = """
sample_rate: 16000
trim_db: 40
n_emotions: 8
compute_features: !new:torch.nn.Identity
mean_var_norm: !new:torch.nn.Identity
embedding_model: !new:torch.nn.Identity
classifier: !new:torch.nn.Linear
    in_features: 4
    out_features: !ref <n_emotions>
crop_frames: 150
number_of_epochs: 2
batch_size: 8
opt_class: !name:torch.optim.SGD
    lr: 0.1
lr_scheduler: !name:torch.optim.lr_scheduler.OneCycleLR
    max_lr: 0.1
"""


def test_the_recipes_are_those_of_the_folder():
    assert "ecapa" in recipe_names()
    assert recipe_names() == sorted(path.stem for path in RECIPES.glob("*.yaml"))


WITHOUT_WEIGHTS = [name for name in recipe_names() if load_recipe(name).layout.weights is None]


@pytest.mark.parametrize("name", WITHOUT_WEIGHTS)
def test_every_recipe_makes_a_recogniser_with_an_output_for_each_emotion(name):
    recipe = load_recipe(name)
    hparams = recipe.load(n_emotions=5)
    with torch.no_grad():
        features = hparams.compute_features(torch.randn(2, hparams.sample_rate))
        logits = build(recipe, 5, seed=0).eval()(features, torch.ones(2))
    assert logits.shape == (2, 5)
    assert torch.isfinite(logits).all()


def test_ecapa_defines_every_key():
    hparams = load_recipe("ecapa").load(n_emotions=7)
    assert hparams.sample_rate == 16_000
    assert isinstance(hparams.embedding_model, nn.Module)
    (optimises,) = hparams.optimisers
    optimiser = optimises.opt_class([nn.Parameter(torch.zeros(1))])
    assert isinstance(optimiser, torch.optim.Optimizer)
    assert not optimises.schedule(optimiser, 10).takes_error


def test_every_load_builds_modules_anew():
    recipe = Recipe("minimal", MINIMAL)
    first, second = recipe.load(3), recipe.load(3)
    assert first.classifier is not second.classifier
    assert first.classifier.out_features == 3


def test_weights_are_drawn_from_the_seed_and_torchs_own_randomness_is_left_alone():
    recipe = load_recipe("tiny")
    before = torch.get_rng_state()
    first, again, other = (build(recipe, 4, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_what_is_loaded_shares_nothing_with_what_was_loaded_before():
    recipe, cpu = load_recipe("tiny"), torch.device("cpu")
    state = build(recipe, 3, seed=1).state_dict()
    first = load(recipe, 3, state, cpu)
    with torch.no_grad():
        for weight in first.parameters():
            weight += 1
    first.train()
    second = load(recipe, 3, state, cpu)
    assert not any(module.training for module in second.modules())
    assert all(torch.equal(each, state[name]) for name, each in second.state_dict().items())


def test_padding_by_nothing_is_spared_and_changes_no_bit():
    # Not at the top: to collect this file is to import it.
    from speechbrain.nnet.CNN import Conv1d

    spared = build(load_recipe("ecapa"), 4, seed=0)
    padded = build(load_recipe("ecapa"), 4, seed=0)
    changed = 0
    for module in padded.modules():
        if isinstance(module, Conv1d):
            changed += module.padding == "valid"
            module.padding = "same"
    assert changed
    inputs, lengths = torch.randn(3, 50, 80), torch.tensor([1.0, 0.8, 0.5])
    for model in (spared, padded):
        model(inputs, lengths).square().sum().backward()
    gradients = zip(spared.parameters(), padded.parameters(), strict=True)
    assert all(torch.equal(one.grad, other.grad) for one, other in gradients)
    assert torch.equal(spared(inputs, lengths), padded(inputs, lengths))


def test_an_unknown_recipe_gets_a_suggestion():
    with pytest.raises(UserError, match=r"no recipe 'tinny'. Did you mean tiny\?"):
        load_recipe("tinny")


@pytest.mark.parametrize("key", ecapa.LAYOUT.needs)
def test_a_missing_key_is_named(key):
    lines = MINIMAL.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"{key}:"))
    stop = start + 1
    while stop < len(lines) and lines[stop].startswith(" "):
        stop += 1
    text = "\n".join(lines[:start] + lines[stop:])
    with pytest.raises(UserError, match=f"'minimal' does not define {key}"):
        Recipe("minimal", text).load(3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "line 1: expected the node content"),
        (MINIMAL.replace("sample_rate: 16000", "sample_rate: !ref <nowhere>"), "nowhere"),
        (MINIMAL.replace("torch.nn.Linear", "torch.nn.NoSuchLayer"), "NoSuchLayer"),
        (MINIMAL.replace("    in_features: 4\n", ""), "in_features"),
        (
            MINIMAL.replace("out_features: !ref <n_emotions>", "").replace("n_emotions: 8", ""),
            "n_emotions",
        ),
    ],
    ids=["broken YAML", "broken reference", "no such class", "bad arguments", "no n_emotions"],
)
def test_a_recipe_that_cannot_be_run_is_refused_by_name_with_the_reason(text, words):
    with pytest.raises(UserError, match=words) as refusal:
        Recipe("broken", text).load(3)
    assert "'broken'" in str(refusal.value)


def test_the_digest_of_broken_yaml_is_refused_by_name():
    with pytest.raises(UserError, match="'broken'"):
        _ = Recipe("broken", "a: [").digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Model", "# Another comment"),
        ("            # 1.5 s", ""),
        ("\n\n# Training", "\n\n\n\n# Training"),
        ("sample_rate: 16000", "sample_rate:     16000"),
        ("[5, 3, 3, 3, 1]", "[5,3,  3,3,1]"),
        ("    lr: 0.002", "        lr: 0.002"),
    ],
)
def test_the_digest_ignores_comments_and_layout(old, new):
    assert old in ECAPA
    text = ECAPA.replace(old, new)
    if new.startswith("        lr"):
        text = text.replace("    weight_decay", "        weight_decay")
    assert Recipe("ecapa", text).digest == Recipe("ecapa", ECAPA).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("channels: 64", "channels: 65"),
        ("std_norm: False", "std_norm: True"),
        ("AdamW", "Adam"),
        ("[5, 3, 3, 3, 1]", "[3, 5, 3, 3, 1]"),
        ("!name:torch.optim.AdamW", "!new:torch.optim.AdamW"),
    ],
)
def test_the_digest_depends_on_all_else(old, new):
    assert old in ECAPA
    changed = Recipe("ecapa", ECAPA.replace(old, new))
    assert changed.digest != Recipe("ecapa", ECAPA).digest


@pytest.mark.slow
def test_mutations_of_a_recipe_are_taken_or_refused():
    survive(ECAPA, lambda text: Recipe("ecapa", text).digest)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "[1]", "text", "[" * 100_000, "a: \x1b"])
def test_a_recipe_that_is_no_mapping_is_refused_in_one_line(text):
    with pytest.raises(UserError, match="'broken'") as refusal:
        _ = Recipe("broken", text).digest
    assert str(refusal.value).isprintable()
    with pytest.raises(UserError, match="'broken'") as refusal:
        Recipe("broken", text).load(3)
    assert str(refusal.value).isprintable()


def test_a_recipe_that_cannot_be_read_is_refused_by_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "RECIPES", tmp_path)
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"endless\.yaml cannot be read: it is not an ordinary"):
        load_recipe("endless")


# Anything a refactor changes here would make every record stale.
def test_the_digests_of_the_projects_own_recipes_stay():
    assert load_recipe("ecapa").digest == "7e44796dbd15c04d5d3f5685368d6919"
