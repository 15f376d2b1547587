"""SpeechBrain's recipes, unmodified, under every method, and from the command line."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foreign import LAYOUTS, spoken_card, write_recipe

from ser_unlearn.data import cards
from ser_unlearn.recogniser.setup import Setup
from ser_unlearn.results.store import Store
from ser_unlearn.unlearning.brief import Shelf, brief_of
from ser_unlearn.unlearning.perform import perform
from ser_unlearn.unlearning.registry import list_methods, load_class, resolve

ROWS = [row for info in list_methods().values() for row in info.rows]


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


@pytest.mark.parametrize("label", ROWS)
def test_every_method_runs_and_leaves_frozen_weights_alone(spoken: Setup, label: str):
    row = resolve(label, {}).under(spoken.recipe.layout.family)
    train, forget = spoken.split.train, spoken.split.train[:4]
    sets = {
        "train": train,
        "forget": forget,
        "retain": train[4:],
        "validation": spoken.split.validation,
    }
    original = spoken.trained(train, 0)
    brief = brief_of(
        spoken,
        sets,
        method=row.method,
        parameters={**row.parameters, **load_class(row.method).smoke},
        needs=row.needs,
        original=original,
        start=original.state,
        seed=0,
    )
    state, costs = perform(brief, Shelf(spoken, sets, row.needs, 0))
    model = spoken.load(state)
    assert np.isfinite(spoken.predict(model)).all()
    assert costs.flops > 0 or row.method in ("original", "random_noise", "reset_head")
    weights = {name for name, _ in model.named_parameters()}
    frozen = {name for name in state if "feature_extractor" in name}
    assert not frozen & weights
    assert bool(frozen) == (spoken.recipe.layout.name == "wav2vec2")
    assert all(torch.equal(state[name], original.state[name]) for name in frozen)
    if label != "original":
        assert any(not torch.equal(state[name], original.state[name]) for name in weights)
