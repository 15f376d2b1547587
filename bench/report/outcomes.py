"""Outcomes: what tables need of a record, which is little of what it holds.

There may be very many records, and nothing else of them is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from ser_unlearn.evaluation.membership import dearest
from ser_unlearn.evaluation.prices import Price
from ser_unlearn.report.comparison import Run
from ser_unlearn.results.records import Record, Status, Tuned


@dataclass(frozen=True, slots=True)
class Outcome:
    """One record, as tables see it."""

    run: Run
    """What another method's record has to share to be compared with this one."""
    label: str
    method: str
    reference: str
    repeat: int
    """The method's seed."""
    needs: tuple[str, ...]
    tuned: Tuned | None
    references: int
    """How many retrained models it was compared with."""
    effort: Price
    """Of the dearest attack that was run."""
    status: Status
    reason: str
    metrics: Mapping[str, float]
    """Those that have a value."""
    curve: tuple[tuple[float, float], ...]
    """Price and accuracy on the forget set, at each look that the method took at it."""
    forget: int
    """How many utterances the forget set has."""
    train: int
    """How many the forget and the retain set have together."""
    test: int
    """How many the test set has."""
    commits: tuple[str, ...]
    """Of the code that ran the method, and of that which evaluated, where they are known."""
    machine: str


def outcome_of(record: Record) -> Outcome:
    """What tables need of a record."""
    seeds, provenance = record.seeds, record.provenance
    return Outcome(
        # Every record has copies of its own of names that all share.
        Run(
            sys.intern(record.corpus),
            sys.intern(record.recogniser),
            sys.intern(record.scenario),
            # A model that was brought is the original of all seeds.
            0 if record.checkpoint else seeds.model,
            seeds.forget,
        ),
        sys.intern(record.label),
        sys.intern(record.method),
        sys.intern(record.reference),
        seeds.method,
        tuple(map(sys.intern, record.needs)),
        record.tuned,
        record.references,
        dearest(record.attacks),
        record.status,
        record.reason,
        {sys.intern(name): value for name, value in record.metrics.items() if value is not None},
        tuple(record.curve),
        record.sizes["forget"],
        record.sizes["forget"] + record.sizes["retain"],
        record.sizes["test"],
        tuple(
            sys.intern(f"`{checkout.commit[:10]}`" + ("" if checkout.clean else " (changed)"))
            for checkout in (provenance, record.evaluation)
            if checkout and checkout.commit
        ),
        sys.intern(f"{provenance.processor}, {provenance.device}"),
    )
