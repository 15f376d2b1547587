"""Trials of a made-up search, for tests of tuning."""

from __future__ import annotations

from typing import Any

from ser_unlearn.tuning.studies import Trial

DEFAULTS: dict[str, Any] = {"rate": 0.01, "share": 0.5, "epochs": 3, "mode": "soft", "hold": True}


def trial(parameters: Any, value: float | None, reason: str = "", requests: int = 2) -> Trial:
    """A trial worth the same on every request."""
    return Trial(
        parameters=dict(parameters),
        status="done" if value is not None else "failed",
        reason=reason,
        values=[value] * requests,
        value=value,
        seconds=1.0,
    )
