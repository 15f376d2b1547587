"""Batches for loops that count steps, not passes."""

from __future__ import annotations

from collections.abc import Iterator

from ser_unlearn import Batch, Utterances


def endless(data: Utterances, batch_size: int, *, crop: bool = True) -> Iterator[Batch]:
    """Go through a set again and again, each time in another order."""
    while True:
        yield from data.batches(batch_size, crop=crop)
