"""The harness of ser-unlearn, and what it offers to methods.

Everything that a file in `methods/` may import stands in `__all__`. It is imported on first use,
so that listing what there is does not wait for torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.attack import FromWaveforms, other_labels, targeted_pgd
    from bench.batches import Batch, Utterances, padding_mask
    from bench.method import Method
    from bench.model import Recogniser, frozen_copy, train_mode
    from bench.statistics import fisher, sensitivity
    from bench.task import Task

__all__ = [
    "Batch",
    "FromWaveforms",
    "Method",
    "Recogniser",
    "Task",
    "Utterances",
    "fisher",
    "frozen_copy",
    "other_labels",
    "padding_mask",
    "sensitivity",
    "targeted_pgd",
    "train_mode",
]

_HOME = {
    "Batch": "batches",
    "FromWaveforms": "attack",
    "Method": "method",
    "Recogniser": "model",
    "Task": "task",
    "Utterances": "batches",
    "fisher": "statistics",
    "frozen_copy": "model",
    "other_labels": "attack",
    "padding_mask": "batches",
    "sensitivity": "statistics",
    "targeted_pgd": "attack",
    "train_mode": "model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bench' has no attribute '{name}'")
    return getattr(importlib.import_module(f"bench.{_HOME[name]}"), name)
