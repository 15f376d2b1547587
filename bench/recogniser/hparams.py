"""Hparams: what a recipe comes to, whatever its layout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ser_unlearn.recogniser.batches import Batch
    from ser_unlearn.recogniser.schedules import Schedule

WHOLE = sys.maxsize
"""The length of crops that cut nothing off."""


@dataclass(frozen=True)
class Optimiser:
    """What trains a model, or a part of it."""

    optimises: str
    """The name of the recogniser's part; "" for the whole model."""
    opt_class: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer]
    """Called with the parameters."""
    schedule: Callable[[torch.optim.Optimizer, int], Schedule]
    """Called with the optimiser and the number of its steps, for each training anew."""


@dataclass(frozen=True)
class Augmentation:
    """How training changes its batches at random."""

    change: Callable[[Batch], Batch]
    """To a batch that the model takes; of more utterances, where copies are added."""
    of_waveforms: bool = False
    """Whether it takes batches of waveforms [B, T], in 16-bit steps, in place of the inputs."""


@dataclass(frozen=True)
class Hparams:
    """Modules and settings of a recipe."""

    sample_rate: int
    """Hz."""
    trim_db: float | None
    """Ends that are quieter than the loudest 25 ms by more than this (dB) are cut off; None cuts
    nothing."""
    compute_features: nn.Module
    """Waveforms [B, T] in -1..1 to the model's inputs [B, frames, F]; training never changes it."""
    mean_var_norm: nn.Module
    """Inputs and relative lengths to what the embedding model takes."""
    embedding_model: nn.Module
    """What `mean_var_norm` gives and relative lengths to embeddings [B, 1, E]."""
    classifier: nn.Module
    """Embeddings to logits [B, 1, C]."""
    crop_frames: int
    """Length of the random crops that training sees, in frames of the inputs."""
    number_of_epochs: int
    batch_size: int
    optimisers: tuple[Optimiser, ...]
    compute_cost: Callable[[Tensor, Tensor], Tensor]
    """Logits [B, C] and labels [B] to the loss that training makes small."""
    grad_accumulation_factor: int = 1
    """Batches to a step of the optimisers."""
    max_grad_norm: float | None = None
    """Gradients of a larger L2 norm are clipped to it; None clips none."""
    augmentation: Augmentation | None = None
