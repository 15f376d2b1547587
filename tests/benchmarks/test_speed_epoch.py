"""An epoch of training: against SpeechBrain's own way to train, and against what a core can do."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from ser_unlearn.recogniser.costs import FlopMeter, hold_memory
from ser_unlearn.recogniser.model import build
from ser_unlearn.recogniser.setup import Setup
from ser_unlearn.recogniser.training import train
from ser_unlearn.results.store import Store

if TYPE_CHECKING:
    from conftest import Ratios

TARGET = 0.4
"""Of an epoch with SpeechBrain's Brain on whole files."""


@pytest.fixture(scope="module")
def ravdess(
    recordings: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Setup, Path]:
    hold_memory()  # as every worker does
    folder = recordings("ravdess")
    return Setup("ravdess", "ecapa", folder, "cpu", Store(tmp_path_factory.mktemp("s"))), folder


def fit_with_speechbrain(
    setup: Setup, folder: Path, places: Sequence[int], crop_s: float | None
) -> float:
    """Train for an epoch as a SpeechBrain recipe does; the seconds that `fit` took.

    Args:
        setup: corpus and recipe.
        folder: where the recordings are.
        places: positions of the utterances in the corpus.
        crop_s: the pipeline cuts a random stretch of so many seconds; None for whole files.
    """
    # Not at the top: pytest imports this file to collect it, also where nobody runs it.
    from speechbrain.core import Brain, Stage
    from speechbrain.dataio.dataio import read_audio
    from speechbrain.dataio.dataset import DynamicItemDataset
    from speechbrain.utils.data_pipeline import provides, takes

    hparams = setup.recipe.load(setup.n_emotions)

    class Recognition(Brain):
        def compute_forward(self, batch: Any, stage: Stage) -> torch.Tensor:
            waveforms, lengths = batch.signal
            features = self.hparams.compute_features(waveforms)
            features = self.modules.mean_var_norm(features, lengths)
            return self.modules.classifier(self.modules.embedding_model(features, lengths))

        def compute_objectives(self, predictions: Any, batch: Any, stage: Stage) -> torch.Tensor:
            return cross_entropy(predictions.squeeze(1), batch.label)

    @takes("path")
    @provides("signal")
    def signal(path: str) -> torch.Tensor:
        whole = read_audio(path)
        if crop_s is None:
            return whole
        samples = round(crop_s * hparams.sample_rate)
        start = int(torch.randint(max(0, len(whole) - samples) + 1, ()))
        return whole[start : start + samples]

    files = {path.stem: str(path) for path in folder.rglob("*") if path.is_file()}
    utterances = setup.corpus.utterances
    dataset = DynamicItemDataset(
        {
            utterances[place].name: {
                "path": files[utterances[place].name],
                "label": int(setup.labels[place]),
            }
            for place in places
        },
        [signal],
        output_keys=["id", "signal", "label"],
    )
    brain = Recognition(
        modules={
            name: getattr(hparams, name)
            for name in ("mean_var_norm", "embedding_model", "classifier")
        },
        opt_class=hparams.optimisers[0].opt_class,
        hparams={"compute_features": hparams.compute_features},
        run_opts={"device": "cpu"},
    )
    start = time.perf_counter()
    brain.fit(
        range(1),
        dataset,
        progressbar=False,
        train_loader_kwargs={"batch_size": hparams.batch_size, "shuffle": True},
    )
    return time.perf_counter() - start


@pytest.mark.parametrize(
    ("files", "crop_s", "target"),
    [("whole files", None, TARGET), ("crops of files as long as ours", 1.5, None)],
)
def test_an_epoch_against_speechbrains(
    ravdess: tuple[Setup, Path],
    ratios: Ratios,
    files: str,
    crop_s: float | None,
    target: float | None,
):
    setup, folder = ravdess
    hparams = dataclasses.replace(setup.hparams, number_of_epochs=1)
    places = setup.split.train
    data = setup.utterances(places, torch.Generator().manual_seed(0))

    def ours() -> float:
        model = build(setup.recipe, setup.n_emotions, seed=0)
        start = time.perf_counter()
        train(model, data, hparams, seed=0)
        return time.perf_counter() - start

    seconds, reference = ratios.alternate(
        ours, lambda: fit_with_speechbrain(setup, folder, places, crop_s), pairs=2
    )
    ratios.note(f"an epoch, against speechbrain.Brain.fit on {files}", seconds, reference, target)


def test_the_share_of_a_cores_peak(ravdess: tuple[Setup, Path], ratios: Ratios):
    setup, _ = ravdess
    data = setup.utterances(setup.split.train[:320], torch.Generator().manual_seed(0))
    hparams = dataclasses.replace(setup.hparams, number_of_epochs=1)
    left, right = torch.randn(2, 2048, 2048)
    counted = build(setup.recipe, setup.n_emotions, seed=0)
    meter = FlopMeter(counted)
    train(counted, data, hparams, seed=0)
    meter.close()
    products = meter.total() / (2 * 2048**3)
    """Matrix products with as many operations as an epoch."""

    def at_peak() -> float:
        start = time.perf_counter()
        for _ in range(5):
            left @ right
        return (time.perf_counter() - start) / 5 * products

    def training() -> float:
        model = build(setup.recipe, setup.n_emotions, seed=0)
        start = time.perf_counter()
        train(model, data, hparams, seed=0)
        return time.perf_counter() - start

    ideal, seconds = ratios.alternate(at_peak, training, pairs=5)
    ratios.note("the share of a core's peak (a product of matrices) in training", ideal, seconds)
