"""Adversarial examples: inputs that a model takes for another emotion, though little is changed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ser_unlearn.recogniser.batches import Batch, padding_mask


def other_labels(labels: Tensor, n_emotions: int, generator: torch.Generator) -> Tensor:
    """Draw a label for each utterance, uniformly among all but its own.

    Args:
        labels: [B], each in 0..n_emotions - 1.
        n_emotions: how many labels there are, at least 2.
        generator: on the processor.

    Returns:
        Labels [B] on the device of `labels`, none equal to the one that it replaces.
    """
    # A shift by 1..n-1 around the circle of labels never comes back to its start.
    shift = torch.randint(1, n_emotions, labels.shape, generator=generator)
    return (labels + shift.to(labels.device)) % n_emotions


class FromWaveforms(nn.Module):
    """A model of features made into a model of waveforms, differentiable to the samples.

    Args:
        front_end: waveforms [B, T] to features [B, frames, F], such as `task.features`.
        model: features [B, frames, F] and relative lengths [B] to logits [B, C].
    """

    def __init__(self, front_end: Callable[[Tensor], Tensor], model: nn.Module) -> None:
        super().__init__()
        self.front_end = front_end
        self.model = model

    def features(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Features [B, frames, F] of waveforms [B, T], zero where the waveform is padding."""
        features = self.front_end(inputs)
        speech = padding_mask(Batch(features, lengths, lengths))
        # Silence is far from zero in dB, but zero is what the model knows padding by.
        return features * speech[..., None]

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Logits [B, C] of waveforms [B, T] with relative lengths [B] in 0..1."""
        logits: Tensor = self.model(self.features(inputs, lengths), lengths)
        return logits


def targeted_pgd(
    model: nn.Module,
    batch: Batch,
    targets: Tensor,
    *,
    radius: float,
    steps: int,
    step_size: float,
) -> Tensor:
    """Change inputs within an L2 ball so that a model takes them for chosen emotions.

    Projected gradient descent (Madry et al. 2018, arXiv:1706.06083) on the cross-entropy with the
    target. It starts from the input itself, so it draws nothing at random, and it returns its
    last point, whether or not that succeeds.

    Args:
        model: inputs and relative lengths [B] to logits [B, C]; in eval mode, and without
            gradients to its weights, as `frozen_copy` gives it.
        batch: features [B, T, F], or waveforms [B, T] where `model` takes them. Padding is left
            alone.
        targets: [B], the emotion to be taken for.
        radius: of the ball around each input, as a share of that input's own L2 norm.
        steps: how many gradients are taken.
        step_size: the length of a step, as a share of the radius.

    Returns:
        Inputs of the same shape, without a graph.

    Raises:
        ValueError: if a weight of the model takes gradients: they would be computed and counted
            in vain.
    """
    if any(weight.requires_grad for weight in model.parameters()):
        raise ValueError("Attack a frozen copy of the model: its weights need no gradients here.")
    mask = padding_mask(batch).to(batch.inputs.dtype)
    mask = mask.reshape(mask.shape + (1,) * (batch.inputs.dim() - mask.dim()))
    radii = radius * _norms(batch.inputs * mask)
    change = torch.zeros_like(batch.inputs)
    for _ in range(steps):
        change.requires_grad_(True)
        # The sum, not the mean: an input's gradient does not depend on the others in the batch.
        loss = cross_entropy(model(batch.inputs + change, batch.lengths), targets, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, change)
        gradient = gradient * mask
        # No gradient, no step: 0 / tiny is 0.
        direction = gradient / _norms(gradient).clamp_min(torch.finfo(gradient.dtype).tiny)
        change = project(change.detach() - step_size * radii * direction, radii)
    return batch.inputs + change


def project(change: Tensor, radii: Tensor) -> Tensor:
    """Shorten changes [B, ...] that are longer than their radius [B, 1, ...] in L2 to it."""
    shares = radii / _norms(change).clamp_min(torch.finfo(change.dtype).tiny)
    return change * shares.clamp_max(1)


def _norms(inputs: Tensor) -> Tensor:
    """The L2 norm of each input [B, ...], shaped [B, 1, ...] to go with it."""
    norms: Tensor = torch.linalg.vector_norm(inputs.flatten(1), dim=1)
    return norms.reshape(-1, *(1,) * (inputs.dim() - 1))
