"""What the recogniser hears: computed once for each corpus and recipe, then mapped into memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ser_unlearn.data.audio import resample, trim_silence
from ser_unlearn.data.corpus import Corpus
from ser_unlearn.recogniser.hparams import Hparams
from ser_unlearn.recogniser.recipe import Recipe
from ser_unlearn.results.identity import numerics
from ser_unlearn.results.revisions import revisions
from ser_unlearn.results.store import Artefact, Store


class Ragged(Sequence[Tensor]):
    """Tensors of different lengths, one after another in a single tensor.

    Args:
        values: [sum of lengths, ...].
        lengths: [N], the length of each.
    """

    def __init__(self, values: Tensor, lengths: Tensor) -> None:
        self.values = values
        self.lengths = lengths
        self._starts = (lengths.cumsum(0) - lengths).tolist()

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, place: int) -> Tensor:  # type: ignore[override]
        """The tensor [length, ...] at a position; a view, not to be written to."""
        start = self._starts[place]
        return self.values[start : start + int(self.lengths[place])]

    @staticmethod
    def of(items: Sequence[Tensor]) -> Ragged:
        """Put tensors [length, ...] one after another."""
        return Ragged(torch.cat(list(items)), torch.tensor([len(item) for item in items]))


def front_end(hparams: Hparams, waveforms: Tensor) -> Tensor:
    """Features [B, frames, F] of waveforms [B, T] in -1..1; differentiable."""
    features: Tensor = hparams.compute_features(waveforms)
    return features


def prepare_waveform(hparams: Hparams, samples: np.ndarray, rate: int) -> Tensor:
    """Resample and trim a recording [T] at `rate` Hz, as the recipe asks: [T'] in -1..1."""
    samples = resample(samples, rate, hparams.sample_rate)
    if hparams.trim_db is not None:
        samples = trim_silence(samples, hparams.sample_rate, hparams.trim_db)
    return torch.from_numpy(samples)


def load_waveforms(recipe: Recipe, corpus: Corpus, store: Store) -> Ragged:
    """Trimmed waveforms [T] in 16-bit steps, in the order of `corpus.utterances`."""

    def make() -> Artefact:
        hparams = recipe.load(len(corpus.card.emotions))
        waveforms = {
            name: prepare_waveform(hparams, samples, rate)
            for name, samples, rate in corpus.recordings()
        }
        ordered = Ragged.of([waveforms[each.name] for each in corpus.utterances])
        samples = (ordered.values * 32768).round().clamp(-32768, 32767).to(torch.int16)
        return Artefact({"values": samples, "lengths": ordered.lengths})

    artefact = store.fetch("waveforms", _identity(recipe, corpus), make)
    return Ragged(artefact.tensors["values"], artefact.tensors["lengths"])


def load_features(recipe: Recipe, corpus: Corpus, store: Store) -> Ragged:
    """The recipe's features [frames, F], float32, in the order of `corpus.utterances`."""

    def make() -> Artefact:
        hparams = recipe.load(len(corpus.card.emotions))
        with torch.no_grad():
            features = Ragged.of(
                [
                    front_end(hparams, as_float(waveform)[None])[0]
                    for waveform in load_waveforms(recipe, corpus, store)
                ]
            )
        return Artefact({"values": features.values, "lengths": features.lengths})

    artefact = store.fetch("features", _identity(recipe, corpus), make)
    return Ragged(artefact.tensors["values"], artefact.tensors["lengths"])


def as_float(waveform: Tensor) -> Tensor:
    """16-bit samples as floats in -1..1."""
    return waveform.to(torch.float32) / 32768


def _identity(recipe: Recipe, corpus: Corpus) -> dict[str, object]:
    return {
        "corpus": corpus.identity,
        "recipe": recipe.digest,
        "revisions": revisions(["corpus", "features"]),
        "packages": numerics(),
    }
