"""SpeechBrain's augmentation of batches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ser_unlearn.recogniser.batches import Batch


def augmented(augmenter: Any, batch: Batch) -> Batch:
    """A batch as an augmenter changes it, with a label for every copy that it makes.

    Args:
        augmenter: `speechbrain.augment.augmenter.Augmenter`, or what is called as it is.
        batch: waveforms [B, T], or features [B, T, F].
    """
    inputs, lengths = augmenter(batch.inputs, batch.lengths)
    labels = batch.labels
    if len(inputs) != len(labels):
        labels = augmenter.replicate_labels(labels)
    return Batch(inputs, lengths, labels)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch and Python draw from a seed for a while, and then go on as they were."""
    before = random.getstate()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before)
