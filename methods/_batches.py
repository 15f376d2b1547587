"""Batches of two sets side by side."""

from __future__ import annotations

from collections.abc import Iterator

from ser_unlearn import Batch, Utterances


def endless(data: Utterances, batch_size: int) -> Iterator[Batch]:
    """Go through a set again and again, each time in another order."""
    while True:
        yield from data.batches(batch_size)


def spread(data: Utterances, steps: int) -> int:
    """The batch size that spreads one pass through a set over at most so many steps."""
    return -(-len(data) // steps)
