"""Counting the floating-point operations of calls of a model's parts, each distinct call once."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Call(NamedTuple):
    """All that the number of operations of one call of a module depends on."""

    part: str
    shapes: tuple[tuple[int, ...], ...]
    inputs_need_gradient: tuple[bool, ...]
    weights_need_gradient: tuple[bool, ...]


Counts = Mapping[str, Mapping[Call, tuple[int, int]]]
"""Of each call the operations forward and backward, by the text as which the called part prints: it
says what layers there are."""

_known: dict[str, dict[Call, tuple[int, int]]] = {}


def count(part: nn.Module, text: str, call: Call) -> tuple[int, int]:
    """Count one call, forward and backward, on tensors without storage; once a process.

    Args:
        part: what was called.
        text: as which it prints; to write it takes milliseconds.
        call: with what.
    """
    known = _known.setdefault(text, {})
    if call not in known:
        known[call] = _count_anew(copy.deepcopy(part).to("meta").eval(), call)
    return known[call]


def counts_of(model: nn.Module, calls: Iterable[Call]) -> Counts:
    """Count calls of a model's parts. What cannot have been a call of it is left out."""
    by_part: dict[str, list[Call]] = {}
    for call in calls:
        by_part.setdefault(call.part, []).append(call)
    found: dict[str, dict[Call, tuple[int, int]]] = {}
    for name, part in model.named_children():
        if name not in by_part:
            continue
        text = str(part)
        for call in by_part[name]:
            # Whoever tells of it may have made it up.
            with contextlib.suppress(Exception):
                found.setdefault(text, {})[call] = count(part, text, call)
    return found


def know(counts: Counts) -> None:
    """Take over what was counted elsewhere."""
    for text, calls in counts.items():
        _known.setdefault(text, {}).update(calls)


def calls_beyond(counts: Counts) -> list[Call]:
    """The calls that are counted in this process, without those that are counted already."""
    return [
        call for text, calls in _known.items() for call in calls if call not in counts.get(text, {})
    ]


def _count_anew(part: nn.Module, call: Call) -> tuple[int, int]:
    for weight, needed in zip(part.parameters(), call.weights_need_gradient, strict=True):
        weight.requires_grad_(needed)
    inputs = [
        torch.zeros(shape, device="meta", requires_grad=needed)
        for shape, needed in zip(call.shapes, call.inputs_need_gradient, strict=True)
    ]
    with FlopCounterMode(display=False) as counter:
        output = part(*inputs)
    forward = counter.get_total_flops()
    if not output.requires_grad:
        return forward, 0
    with FlopCounterMode(display=False) as counter:
        output.sum().backward()
    return forward, counter.get_total_flops()
