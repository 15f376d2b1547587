"""The toy for a method by its name, and records made up for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ser_unlearn.checks import toy
from ser_unlearn.checks.toy import EMOTIONS, FORGET, ToySetup
from ser_unlearn.recogniser.costs import Meter
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.results.records import Record
from ser_unlearn.unlearning.registry import list_methods
from ser_unlearn.unlearning.task import Task

__all__ = ["EMOTIONS", "FORGET", "ToySetup", "make_record", "make_task"]


def make_task(
    setup: ToySetup, method: str, *, forget: Sequence[int] = FORGET, seed: int = 0
) -> tuple[Recogniser, Task, Meter]:
    """A private copy of the original model, and a forget request for it."""
    needs = list_methods()[method].needs
    return toy.make_task(setup, needs, method=method, forget=forget, seed=seed)


def make_record(**changes: Any) -> Record:
    """A record of the method "fade" with plausible numbers; `metrics` is merged."""
    metrics = {
        "forgetting_rate": 0.5,
        "test_accuracy": 0.6,
        "test_uar": 0.55,
        "mia_accuracy": 0.52,
        "runtime_s": 4.0,
        "speedup": 20.0,
        "flops_ratio": 0.05,
        "gap_to_retrain": 3.0,
        "distance": 1.5,
    }
    values: dict[str, Any] = {
        "corpus": "emodb",
        "card": "c" * 32,
        "recipe": "ecapa",
        "recipe_digest": "d" * 32,
        "scenario": "random:16",
        "label": "fade",
        "method": "fade",
        "needs": ["forget"],
        "reference": "nobody",
        "parameters": {"epochs": 3},
        "seeds": {"model": 0, "forget": 0, "method": 0},
        "fingerprint": "f" * 32,
        "status": "done",
        "sizes": {"forget": 16, "retain": 270, "validation": 41, "heldout": 82, "test": 126},
        "provenance": {
            "version": "0.1.0",
            "commit": "a" * 40,
            "clean": True,
            "python": "3.11.7",
            "packages": {"torch": "2.11.0"},
            "processor": "a processor",
            "device": "cpu",
            "threads": 1,
        },
    }
    # What is not done has no metrics.
    metrics = metrics if changes.get("status", "done") == "done" else {}
    metrics.update(changes.pop("metrics", {}))
    return Record.model_validate({**values, "metrics": metrics, **changes})
