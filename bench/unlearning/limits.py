"""What a method may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a method may take."""

    seconds: float
    memory_mb: float | None = None
    """Its own, in units of 1,000,000 bytes; None for as much as there is."""
