"""Batches of utterances, whole or cropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ser_unlearn.recogniser.features import Ragged, as_float


class Batch(NamedTuple):
    """Utterances side by side, the shorter ones padded with zeros at the end."""

    inputs: Tensor
    """Features [B, T, F], or waveforms [B, T]."""
    lengths: Tensor
    """[B]: the share of T that is not padding, as SpeechBrain has it."""
    labels: Tensor
    """[B]: the number of each utterance's emotion."""


def pad(items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Stack tensors [T_i, ...] to [B, max T, ...]; also give their relative lengths [B]."""
    lengths = torch.tensor([len(item) for item in items])
    padded = torch.nn.utils.rnn.pad_sequence(list(items), batch_first=True)
    return padded, lengths / lengths.max()


def padding_mask(batch: Batch) -> Tensor:
    """True where an input is speech, False where it is padding: [B, T]."""
    frames = batch.inputs.shape[1]
    counts = (batch.lengths * frames).round()
    return torch.arange(frames, device=batch.lengths.device)[None] < counts[:, None]


class Utterances:
    """A set of utterances with their labels, in a fixed order.

    Args:
        features: the whole corpus.
        labels: [N], the number of each utterance's emotion, for the whole corpus.
        places: the positions of this set's utterances in the corpus.
        generator: all randomness of order and crops comes from here.
        crop_frames: how long the random crops are.
        device: where batches go.
        waveforms: gives the corpus's trimmed waveforms when asked.
    """

    def __init__(
        self,
        features: Ragged,
        labels: Tensor,
        places: Sequence[int],
        *,
        generator: torch.Generator,
        crop_frames: int,
        device: torch.device,
        waveforms: Callable[[], Ragged] | None = None,
    ) -> None:
        self.features = features
        self._labels = labels
        self.places = list(places)
        self._generator = generator
        self._crop_frames = crop_frames
        self._device = device
        self._waveforms = waveforms

    def __len__(self) -> int:
        return len(self.places)

    @property
    def labels(self) -> Tensor:
        """The number of each utterance's emotion: [N], on the set's device."""
        return self._labels[self.places].to(self._device)

    def batches(
        self, batch_size: int, *, shuffle: bool = True, crop: bool = True
    ) -> Iterator[Batch]:
        """Go through the set once, in batches of nearly equal size.

        Args:
            batch_size: the largest size.
            shuffle: in random order.
            crop: cut a random stretch of the recipe's length out of longer utterances.
        """
        if not self.places:
            return
        order = (
            torch.randperm(len(self), generator=self._generator)
            if shuffle
            else torch.arange(len(self))
        )
        count = -(-len(self) // batch_size)
        for chosen in order.tensor_split(count):
            yield self._batch(chosen.tolist(), crop)

    def relabelled(self, labels: Tensor) -> Utterances:
        """The same utterances with labels [N] of the caller's choice, in the set's order."""
        everyones = self._labels.clone()
        everyones[self.places] = labels.cpu()
        return Utterances(
            self.features,
            everyones,
            self.places,
            generator=self._generator,
            crop_frames=self._crop_frames,
            device=self._device,
            waveforms=self._waveforms,
        )

    def heard_as(self, features: Ragged, crop_frames: int) -> Utterances:
        """The same utterances with other features, and crops of another length."""
        return Utterances(
            features,
            self._labels,
            self.places,
            generator=self._generator,
            crop_frames=crop_frames,
            device=self._device,
        )

    def whole(self) -> Batch:
        """Every utterance uncut, in order, in one batch."""
        return self._batch(range(len(self)), crop=False)

    def waveforms(self) -> Batch:
        """Every utterance's trimmed waveform in -1..1, in order: inputs are [N, T]."""
        if self._waveforms is None:
            raise RuntimeError("These utterances came without waveforms.")
        waveforms = self._waveforms()
        inputs, lengths = pad([as_float(waveforms[place]) for place in self.places])
        return Batch(inputs.to(self._device), lengths.to(self._device), self.labels)

    def _batch(self, chosen: Sequence[int], crop: bool) -> Batch:
        places = [self.places[each] for each in chosen]
        items = [self.features[place] for place in places]
        if crop:
            where = torch.rand(len(items), generator=self._generator).tolist()
            items = [self._crop(item, share) for item, share in zip(items, where, strict=True)]
        inputs, lengths = pad(items)
        labels = self._labels[places]
        return Batch(inputs.to(self._device), lengths.to(self._device), labels.to(self._device))

    def _crop(self, item: Tensor, share: float) -> Tensor:
        spare = max(0, len(item) - self._crop_frames)
        start = int(share * (spare + 1))
        return item[start : start + self._crop_frames]
