"""What stored features save: an epoch with them, against one that computes them from the files."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from ser_unlearn.data.audio import decode
from ser_unlearn.recogniser.batches import Batch
from ser_unlearn.recogniser.features import front_end, prepare_waveform
from ser_unlearn.recogniser.model import build
from ser_unlearn.recogniser.setup import Setup
from ser_unlearn.recogniser.training import train
from ser_unlearn.results.store import Store

if TYPE_CHECKING:
    from conftest import Ratios

TARGET = 0.5


class FromFiles:
    """A set of utterances as a plain SpeechBrain data pipeline has them: nothing is kept.

    Args:
        setup: corpus and recipe.
        folder: where the recordings are.
        places: positions of the utterances in the corpus.
        crop_frames: length of the random crops; None for whole utterances.
    """

    def __init__(
        self, setup: Setup, folder: Path, places: Sequence[int], crop_frames: int | None
    ) -> None:
        # Not at the top: pytest imports this file to collect it, also where nobody runs it.
        from speechbrain.dataio.dataset import DynamicItemDataset
        from speechbrain.utils.data_pipeline import provides, takes

        @takes("path")
        @provides("features")
        def features(path: Path) -> torch.Tensor:
            samples, rate = decode(path.read_bytes(), path.name)
            waveform = prepare_waveform(setup.hparams, samples, rate)
            with torch.no_grad():
                whole = front_end(setup.hparams, waveform[None])[0]
            if crop_frames is None:
                return whole
            start = int(torch.randint(max(0, len(whole) - crop_frames) + 1, ()))
            return whole[start : start + crop_frames]

        files = {path.stem: path for path in folder.rglob("*") if path.is_file()}
        names = [setup.corpus.utterances[place].name for place in places]
        self._dataset = DynamicItemDataset(
            {
                name: {"path": files[name], "label": label}
                for name, label in zip(names, setup.labels[places].tolist(), strict=True)
            },
            [features],
            output_keys=["features", "label"],
        )

    def __len__(self) -> int:
        return len(self._dataset)

    def batches(self, batch_size: int) -> Iterator[Batch]:
        from speechbrain.dataio.batch import PaddedBatch
        from torch.utils.data import DataLoader

        loader = DataLoader(self._dataset, batch_size, shuffle=True, collate_fn=PaddedBatch)
        for batch in loader:
            yield Batch(*batch.features, batch.label)


@pytest.fixture(scope="module")
def ravdess(
    recordings: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Setup, Path]:
    folder = recordings("ravdess")
    return Setup("ravdess", "ecapa", folder, "cpu", Store(tmp_path_factory.mktemp("s"))), folder


@pytest.mark.parametrize("utterances", ["the same crops", "whole utterances"])
def test_stored_features_against_files(
    ravdess: tuple[Setup, Path], ratios: Ratios, utterances: str
):
    setup, folder = ravdess
    hparams = dataclasses.replace(setup.hparams, number_of_epochs=1)
    places = setup.split.train
    stored = setup.utterances(places, torch.Generator().manual_seed(0))
    crop_frames = hparams.crop_frames if utterances == "the same crops" else None
    from_files = FromFiles(setup, folder, places, crop_frames)

    def epoch(data: Any) -> float:
        model = build(setup.recipe, setup.n_emotions, seed=0)
        start = time.perf_counter()
        train(model, data, hparams, seed=0)
        return time.perf_counter() - start

    seconds, reference = ratios.alternate(lambda: epoch(stored), lambda: epoch(from_files), pairs=3)
    ratios.note(
        f"epoch with stored features, against {utterances} from files", seconds, reference, TARGET
    )
