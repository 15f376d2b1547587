"""What an unlearned model is known by, before any method runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ser_unlearn.results.identity import digest, numerics
from ser_unlearn.results.revisions import revisions
from ser_unlearn.unlearning.registry import Row
from ser_unlearn.unlearning.request import Request

STAGES = ("corpus", "features", "training", "unlearning")
"""What every unlearned model depends on, beside its method's own code."""


def identity(request: Request, row: Row, seed: int) -> dict[str, Any]:
    """All that determines the unlearned model, JSON-like.

    Args:
        request: what is to be forgotten, by which model.
        row: the method with its parameters.
        seed: of the method.
    """
    setup = request.setup
    # What was trained here, data and seed determine.
    adopted = {} if request.checkpoint is None else {"checkpoint": request.checkpoint}
    return {
        "before": None if request.before is None else identity(request.before, row, seed),
        "corpus": setup.corpus.identity,
        "recipe": setup.recipe.identity,
        "sets": request.sets_digest,
        "parameters": dict(row.parameters),
        "method": row.code,
        "seeds": {"model": request.model_seed, "method": seed},
        "revisions": revisions([*STAGES, *(row.needs & {"statistics"})]),
        "device": setup.device_type,
        "packages": numerics(),
        **adopted,
    }


def log_of(request: Request, row: Row, seed: int) -> Path:
    """The file in the store that keeps what the method prints."""
    return request.setup.store.root / "logs" / f"{digest(identity(request, row, seed))}.log"
