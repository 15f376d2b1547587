"""SpeechBrain's recipes, unmodified, under every method, and from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from foreign import LAYOUTS, UNHEARD, spoken_card, write_recipe
from small import Copy

from ser_unlearn.data import cards
from ser_unlearn.recogniser.outputs import cross_entropy, predict
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.results.store import Store
from ser_unlearn.unlearning.brief import Shelf, brief_of
from ser_unlearn.unlearning.perform import perform
from ser_unlearn.unlearning.registry import list_methods, load_class, resolve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=LAYOUTS)
def spoken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """Sixty utterances of `espeak`, seen through a recipe as SpeechBrain ships it."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "spoken.yaml").write_text(spoken_card())
    recipe = write_recipe(folder, request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cards, "CARDS", folder)
        found = Setup("spoken", str(recipe), None, "cpu", Store(folder / "store"))
        assert len(found.labels) == 60
    return found


def some_known(setup: Setup, original: Trained) -> list[int]:
    """Three that a model is surest of and one that it knows least.

    A method may leave it as it is where it knows all of them no better than strangers, or where
    none of them has a gradient to speak of.
    """
    losses = cross_entropy(original.logits, setup.labels)
    surest = sorted(setup.split.train, key=losses.__getitem__)
    return [*surest[:3], surest[-1]]


@pytest.mark.parametrize("method", list_methods())
def test_every_method_runs_and_leaves_frozen_weights_alone(spoken: Setup, method: str):
    row = resolve(method, {}).under(spoken.recipe.layout.family)
    train = spoken.split.train
    original = spoken.trained(train, 0)
    forget = some_known(spoken, original)
    sets = {
        "train": train,
        "forget": forget,
        "retain": [place for place in train if place not in forget],
        "validation": spoken.split.validation,
    }
    brief = brief_of(
        spoken,
        sets,
        method=method,
        parameters={**row.parameters, **load_class(method).smoke},
        needs=row.needs,
        original=original,
        start=original.state,
        seed=0,
    )
    state, costs, *_ = perform(brief, Shelf(spoken, sets, row.needs, 0))
    model = spoken.load(state)
    assert torch.isfinite(predict(model, spoken.features, forget, spoken.device)).all()
    assert costs.flops > 0 or method in ("original", "random_noise", "reset_head")
    weights = {name for name, _ in model.named_parameters()}
    frozen = {name for name in state if "feature_extractor" in name}
    assert not frozen & weights
    assert bool(frozen) == (spoken.recipe.layout.name == "wav2vec2")
    assert all(torch.equal(state[name], original.state[name]) for name in frozen)
    if method != "original":
        assert any(not torch.equal(state[name], original.state[name]) for name in weights)


def run(copy: Copy, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a copy of the package, as its users do."""
    return subprocess.run(
        [sys.executable, "-m", "ser_unlearn", *arguments],
        cwd=copy.folder,
        env={
            **os.environ,
            "PYTHONPATH": str(copy.folder),
            "SER_UNLEARN_CACHE": str(copy.folder / "store"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_recipes_path_is_all_that_the_command_line_needs(layout: str, tmp_path: Path):
    copy = Copy(tmp_path / "copy")
    (copy.package / "cards" / "spoken.yaml").write_text(spoken_card())
    recipe = write_recipe(tmp_path, layout)
    grid = (
        "run", "--corpus", "spoken", "--recipe", str(recipe), "--scenario", "random:4",
        "--runs", "1", "--references", "2", "--jobs", "1",
        "--method", "finetune", "--method", "gradient_ascent",
    )  # fmt: skip

    refused = run(copy, *grid)
    assert refused.returncode == 2
    assert "is code, which would run with your rights" in refused.stderr
    assert not (copy.folder / "results").exists()

    done = run(copy, *grid, "--trust-recipe")
    assert done.returncode == 0, done.stderr
    name = load_recipe(str(recipe)).name
    assert f"spoken, recipe {name}, scenario random:4" in done.stdout
    assert f"Not honoured of it: {', '.join(UNHEARD[layout])}" in done.stderr
    rates = {}
    for record in copy.records().values():
        assert (record["recipe"], record["status"]) == (name, "done")
        rates[record["method"]] = record["parameters"]["learning_rate"]
    # A preset holds for transformers alone, and only where a method has one.
    wanted = {name: resolve(name, {}).parameters["learning_rate"] for name in rates}
    if layout == "wav2vec2":
        wanted["finetune"] = 1e-5
    assert set(rates) == {"finetune", "gradient_ascent"}
    assert rates == wanted
    assert sorted(path.name for path in (copy.folder / "results").iterdir()) == ["spoken"]

    again = run(copy, "evaluate", "--recipe", str(recipe), "--trust-recipe", "--jobs", "1")
    assert again.returncode == 0, again.stderr
    assert "Left as they are" not in again.stderr
    table = run(copy, "table", "--recipe", str(recipe))
    assert "gradient_ascent" in table.stdout
    unknown = run(copy, "evaluate", "--jobs", "1")
    assert "Left as they are, for the store lacks their outputs: 2 of 2" in unknown.stderr
