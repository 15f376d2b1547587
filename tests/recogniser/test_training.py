"""Training as recipes say: losses fall, schedules, accumulation and augmentation are honoured."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from foreign import write_recipe

from ser_unlearn.checks.toy import MemoryStore, ToySetup
from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.model import build
from ser_unlearn.recogniser.recipe import Recipe, load_recipe
from ser_unlearn.recogniser.schedules import Annealing
from ser_unlearn.recogniser.training import train


class Toy(ToySetup):
    """The toy seen through another recipe."""

    def __init__(self, recipe: Recipe) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ser_unlearn.checks.toy.load_recipe", lambda _: recipe)
            super().__init__()


def test_both_layouts_learn(tmp_path: Path):
    longer = ("number_of_epochs: 2", "number_of_epochs: 8")
    changes = {"ecapa": [longer, ("step_size: 4", "step_size: 20")], "wav2vec2": [longer]}
    for layout, changed in changes.items():
        (tmp_path / layout).mkdir()
        setup = Toy(load_recipe(str(write_recipe(tmp_path / layout, layout, *changed))))
        model = build(setup.recipe, setup.n_emotions, seed=0)
        data = setup.utterances(setup.split.train, torch.Generator().manual_seed(0))
        validation = setup.utterances(setup.split.validation, torch.Generator())
        losses = train(model, data, setup.hparams, 0, validation)
        assert losses[-1] < 0.9 * losses[0]


def test_a_schedule_by_the_error_needs_a_validation_set(tmp_path: Path):
    setup = Toy(load_recipe(str(write_recipe(tmp_path, "wav2vec2"))))
    model = build(setup.recipe, setup.n_emotions, seed=0)
    data = setup.utterances(setup.split.train, torch.Generator().manual_seed(0))
    with pytest.raises(UserError, match="no validation set"):
        train(model, data, setup.hparams, 0)


def test_accumulating_two_batches_is_half_of_the_steps(tmp_path: Path):
    steps = []

    class Counting(torch.optim.SGD):
        def step(self, *arguments):
            steps.append(1)
            return super().step(*arguments)

    recipe = load_recipe(
        str(write_recipe(tmp_path, "ecapa", ("gradient_accumulation", "grad_accumulation_factor")))
    )
    setup = Toy(recipe)
    (optimiser,) = setup.hparams.optimisers
    counting = dataclasses.replace(optimiser, opt_class=lambda weights: Counting(weights, lr=0.1))
    hparams = dataclasses.replace(setup.hparams, optimisers=(counting,))
    model = build(recipe, setup.n_emotions, seed=0)
    data = setup.utterances(setup.split.train, torch.Generator().manual_seed(0))
    train(model, data, hparams, 0)
    # 36 utterances in batches of at most 8 are 5 batches; 2 epochs.
    assert len(steps) == 2 * (5 // 2)


def test_new_bob_lowers_the_rate_when_the_error_stays():
    from speechbrain.nnet.schedulers import NewBobScheduler

    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = Annealing(optimiser, NewBobScheduler(initial_value=1.0, annealing_factor=0.5))
    assert schedule.takes_error
    rates = []
    for epoch, error in enumerate((0.8, 0.4, 0.4, 0.1), start=1):
        schedule.end_epoch(epoch, error)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 0.5, 0.5]


def test_a_schedule_that_is_called_otherwise_is_refused():
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(UserError, match="schedule function is not known"):
        Annealing(optimiser, lambda whatever: 1)


AUGMENTERS = {
    "ecapa": """
wav_augment: !new:speechbrain.augment.augmenter.Augmenter
    concat_original: True
    augmentations: [!new:speechbrain.augment.time_domain.DropChunk {}]
fea_augment: !new:speechbrain.augment.augmenter.Augmenter
    concat_original: True
    augmentations: [!new:speechbrain.augment.freq_domain.SpectrogramDrop {}]
""",
    "wav2vec2": """
wav_augment: !new:speechbrain.augment.augmenter.Augmenter
    concat_original: True
    augmentations: [!new:speechbrain.augment.time_domain.DropChunk {}]
""",
}


@pytest.mark.parametrize(("layout", "copies"), [("ecapa", 4), ("wav2vec2", 2)])
def test_augmentation_adds_copies_with_their_labels(layout: str, copies: int, tmp_path: Path):
    path = write_recipe(tmp_path, layout)
    path.write_text(path.read_text() + AUGMENTERS[layout])
    setup = Toy(load_recipe(str(path)))
    setup.store = MemoryStore()
    augmentation = setup.hparams.augmentation
    data = setup._heard_in_training(setup.split.train, torch.Generator().manual_seed(0))
    batch = next(data.batches(6))
    changed = augmentation.change(batch)
    assert changed.labels.tolist() == copies * batch.labels.tolist()
    assert len(changed.inputs) == len(changed.lengths) == copies * 6
    assert changed.inputs.shape[2] == setup.features[0].shape[1]
    model = build(setup.recipe, setup.n_emotions, seed=0)
    validation = setup.utterances(setup.split.validation, torch.Generator())
    assert train(model, data, setup.hparams, 0, validation)
