"""Copies of utterances, made of them yet none of them; and the way back from a changed model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ser_unlearn import Batch, padding_mask

SLOWEST, FASTEST = 0.7, 1.4
LARGEST_SHIFT = 4
"""In mel bands."""
LARGEST_NOISE = 3.0
"""Standard deviation in dB."""

BISECTIONS = 6
LONGEST = (1.0, 1.2, 1.5, 2.0)
"""How far along the line the search goes, where training stopped short of its goal."""


def perturbed(batch: Batch, count: int, frames: int, generator: torch.Generator) -> Batch:
    """Draw copies: two stretches of speech spliced, often mixed with a third, shifted, with noise.

    A stretch comes from any utterance, starts anywhere and is read 0.7 to 1.4 times as fast; an
    utterance too short for it starts over. A mixture takes up to half of its dB from the third
    stretch, and half of the copies are none. Mel bands move up or down by up to 4, and noise of
    up to 3 dB is added.

    Args:
        batch: features [N, T, F] in dB; padding is never copied.
        count: how many copies.
        frames: how long each is.
        generator: on the processor.

    Returns:
        Features [count, frames, F], all of them speech. Its labels are those of the utterances
        that the copies begin with.
    """
    device = batch.inputs.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(device)

    lengths = padding_mask(batch).sum(dim=1)
    first, sources = _stretches(batch.inputs, lengths, frames, uniform(3, count))
    second, _ = _stretches(batch.inputs, lengths, frames, uniform(3, count))
    third, _ = _stretches(batch.inputs, lengths, frames, uniform(3, count))

    early = torch.arange(frames, device=device) < uniform(count, 1) * frames
    copies = torch.where(early[..., None], first, second)
    share = uniform(count, 1, 1) / 2 * (uniform(count, 1, 1) < 0.5)
    copies = copies.lerp(third, share)

    bands = copies.shape[2]
    shift = torch.randint(-LARGEST_SHIFT, LARGEST_SHIFT + 1, (count, 1), generator=generator)
    moved = (torch.arange(bands)[None] + shift).clamp(0, bands - 1).to(device)
    copies = copies.gather(2, moved[:, None].expand_as(copies))
    noise = torch.randn(copies.shape, generator=generator).to(device)
    copies = copies + LARGEST_NOISE * uniform(count, 1, 1) * noise
    return Batch(copies, torch.ones(count, device=device), batch.labels[sources])


def _stretches(
    inputs: Tensor, lengths: Tensor, frames: int, drawn: Tensor
) -> tuple[Tensor, Tensor]:
    """Read stretches [count, frames, F], each at its own speed; also give their utterances."""
    sources = (drawn[0] * len(inputs)).long().clamp_max(len(inputs) - 1)
    speed = SLOWEST * (FASTEST / SLOWEST) ** drawn[1]
    length = lengths[sources, None]
    start = drawn[2] * (lengths[sources] - frames * speed).clamp_min(0)
    position = start[:, None] + torch.arange(frames, device=inputs.device) * speed[:, None]
    position = position.remainder(length)
    before = position.long().clamp_max(length - 1)
    after = (before + 1) % length
    rows = sources[:, None]
    between = (position - before)[..., None]
    return inputs[rows, before].lerp(inputs[rows, after], between), sources


@torch.no_grad()
def shrink(model: nn.Module, original: nn.Module, forgotten: Callable[[], bool]) -> float:
    """Go back towards the original's weights as far as the forget set stays forgotten.

    Args:
        model: its weights are the line's end; moved in place.
        original: its weights are the line's start.
        forgotten: whether `model` as it is now has forgotten enough.

    Returns:
        The place on the line, 1 being where training ended; 1 too where no place will do.
    """
    starts = list(original.parameters())
    ends = [weight.clone() for weight in model.parameters()]

    def move(place: float) -> bool:
        for weight, start, end in zip(model.parameters(), starts, ends, strict=True):
            weight.copy_(start.lerp(end, place))
        return forgotten()

    best = next((place for place in LONGEST if move(place)), None)
    if best is None:
        move(1.0)
        return 1.0
    short = 0.0
    for _ in range(BISECTIONS):
        middle = (short + best) / 2
        if move(middle):
            best = middle
        else:
            short = middle
    move(best)
    return best
