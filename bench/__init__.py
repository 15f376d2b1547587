"""The harness of ser-unlearn, and what it offers to methods and to programs.

Everything that a file in `methods/` may import stands in `__all__`, and so do `run`, `forget`,
`records` and `audit`, which programs call: docs/api.md. All is imported on first use, so that
listing what there is does not wait for torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser_unlearn.api.auditing import audit
    from ser_unlearn.api.forgetting import forget
    from ser_unlearn.api.reading import records
    from ser_unlearn.api.running import run
    from ser_unlearn.recogniser.batches import Batch, Utterances, padding_mask
    from ser_unlearn.recogniser.model import Recogniser, frozen_copy, train_mode
    from ser_unlearn.unlearning.attack import FromWaveforms, other_labels, targeted_pgd
    from ser_unlearn.unlearning.method import Method
    from ser_unlearn.unlearning.statistics import fisher, sensitivity
    from ser_unlearn.unlearning.task import Task

__all__ = [
    "Batch",
    "FromWaveforms",
    "Method",
    "Recogniser",
    "Task",
    "Utterances",
    "audit",
    "fisher",
    "forget",
    "frozen_copy",
    "other_labels",
    "padding_mask",
    "records",
    "run",
    "sensitivity",
    "targeted_pgd",
    "train_mode",
]

_HOME = {
    "Batch": "recogniser.batches",
    "FromWaveforms": "unlearning.attack",
    "Method": "unlearning.method",
    "Recogniser": "recogniser.model",
    "Task": "unlearning.task",
    "Utterances": "recogniser.batches",
    "audit": "api.auditing",
    "forget": "api.forgetting",
    "records": "api.reading",
    "run": "api.running",
    "fisher": "unlearning.statistics",
    "frozen_copy": "recogniser.model",
    "other_labels": "unlearning.attack",
    "padding_mask": "recogniser.batches",
    "sensitivity": "unlearning.statistics",
    "targeted_pgd": "unlearning.attack",
    "train_mode": "recogniser.model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ser_unlearn' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ser_unlearn.{_HOME[name]}"), name)
