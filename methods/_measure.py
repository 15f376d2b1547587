"""How much a change of weights moves what a model's layers say of speech."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ser_unlearn import Batch

STRIP = 64
"""Of products that are computed at once: narrower strips save more, and are slower."""


class Measure:
    """The size of a change d of a model's weights: the sum over layers of tr(d (A + floor I) d^T).

    A is the mean of x x^T over the inputs x of a layer, divided by its mean diagonal: with no
    floor, this is how much the outputs of every layer move, were its inputs to stay as they are,
    over the mean square of these.
    It is the factor of the inputs in the curvature of Martens & Grosse 2015, arXiv:1503.05671.

    Args:
        model: whose weights change.
        speech: what its layers are asked about.
        floor: of how little speech there is in any direction.
        layers: how many of the last layers count and change; 0 for all.
    """

    def __init__(
        self, model: nn.Module, speech: Iterable[Batch], floor: float, layers: int = 0
    ) -> None:
        moments = second_moments(model, speech)
        found = layers_of(model)
        names = list(moments)[-layers:]
        self.weights = [found[name].weight for name in names]
        """P numbers in all; weights in groups, biases and what normalisation has are not theirs."""
        self._sizes = [weight.numel() for weight in self.weights]
        self._inverses = [_inverse(moments[name], floor) for name in names]

    def gradient(self, value: Tensor) -> Tensor:
        """Of a number by all weights, [P]; its graph is kept."""
        found = torch.autograd.grad(value, self.weights, retain_graph=True, allow_unused=True)
        return torch.cat(
            [
                torch.zeros_like(weight).flatten() if each is None else each.flatten()
                for weight, each in zip(self.weights, found, strict=True)
            ]
        )

    def weigh(self, gradients: Tensor) -> Tensor:
        """Gradients g [N, P] to the smallest changes along them, g (A + floor I)^-1: [N, P]."""
        parts = torch.split(gradients, self._sizes, dim=1)
        return torch.cat(
            [
                (part.reshape(len(part), -1, len(inverse)) @ inverse).flatten(1)
                for part, inverse in zip(parts, self._inverses, strict=True)
            ],
            dim=1,
        )

    @torch.no_grad()
    def move(self, change: Tensor) -> None:
        """Change the weights by [P]."""
        for weight, part in zip(self.weights, torch.split(change, self._sizes), strict=True):
            weight += part.view_as(weight)


def _inverse(moment: Tensor, floor: float) -> Tensor:
    scaled = moment.double() / moment.diagonal().mean()
    identity = torch.eye(len(moment), dtype=scaled.dtype, device=scaled.device)
    inverse: Tensor = torch.linalg.inv(scaled + floor * identity)
    return inverse.to(moment)


def symmetric(left: Tensor, right: Tensor) -> Tensor:
    """Products of rows [N, P] with rows [N, P] that are known to be symmetric, [N, N].

    For many rows little more than half of them are computed.
    """
    half = left.new_zeros(len(left), len(right))
    for first in range(0, len(left), STRIP):
        last = first + STRIP
        half[first:last, :last] = left[first:last] @ right[:last].T
    return half.tril() + half.tril(-1).T


@contextmanager
def without_smallest(weights: Sequence[Tensor], share: float) -> Iterator[Tensor]:
    """Set a share of the weights to zero for a while, the smallest over all of them.

    Yields:
        1 where a weight stays and 0 where it goes, over all weights: [P].
    """
    whole = [weight.detach().clone() for weight in weights]
    sizes = torch.cat([weight.abs().flatten() for weight in whole])
    kept = (sizes > sizes.kthvalue(max(1, round(share * len(sizes)))).values).to(sizes)
    parts = torch.split(kept, [weight.numel() for weight in weights])
    with torch.no_grad():
        for weight, part in zip(weights, parts, strict=True):
            weight *= part.view_as(weight)
    try:
        yield kept
    finally:
        with torch.no_grad():
            for weight, before in zip(weights, whole, strict=True):
                weight.copy_(before)


def layers_of(model: nn.Module) -> dict[str, nn.Linear | nn.Conv1d]:
    """The linear maps and convolutions over time whose weights take gradients, by name.

    Convolutions in groups are left out.
    """
    return {
        name: module
        for name, module in model.named_modules()
        if (isinstance(module, nn.Linear) or (isinstance(module, nn.Conv1d) and module.groups == 1))
        and module.weight.requires_grad
    }


@torch.no_grad()
def second_moments(model: nn.Module, batches: Iterable[Batch]) -> dict[str, Tensor]:
    """The mean of x x^T over all inputs x that a layer's weights are multiplied with, by layer.

    An input of a convolution is the stretch of frames under its kernel. What comes after padding
    counts too.

    Returns:
        By name, [I, I]: I numbers stand in a row of the weights of [O, I] or [O, I / K, K].
    """
    layers = layers_of(model)
    seen: dict[str, list[Tensor]] = {name: [] for name in layers}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen[name].append(_rows(module, inputs[0]))

        return hook

    handles = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers.items()]
    sums = {name: torch.zeros(()) for name in layers}
    counts = dict.fromkeys(layers, 0)
    for batch in batches:
        model(batch.inputs, batch.lengths)
        for name, rows in seen.items():
            for each in rows:
                sums[name] = sums[name].to(each.device) + each.T @ each
                counts[name] += len(each)
            rows.clear()
    for handle in handles:
        handle.remove()
    return {name: sums[name] / counts[name] for name in layers if counts[name]}


def _rows(layer: nn.Module, inputs: Tensor) -> Tensor:
    """What a layer's weights are multiplied with: [N, I]."""
    if isinstance(layer, nn.Linear):
        return inputs.reshape(-1, layer.in_features)
    assert isinstance(layer, nn.Conv1d)
    padding, stride, dilation = layer.padding, layer.stride[0], layer.dilation[0]
    assert not isinstance(padding, str)
    padded = nn.functional.pad(inputs, (padding[0], padding[0]))
    reach = dilation * (layer.kernel_size[0] - 1) + 1
    # [B, C, N, reach] to [B, N, C, K]
    stretches = padded.unfold(2, reach, stride)[..., ::dilation].transpose(1, 2)
    return stretches.reshape(-1, layer.in_channels * layer.kernel_size[0])
