"""Revisions: the numbers by which results say what the harness computed them with.

A stage of the harness has a number. Raise it when what the stage computes changes, and only then:
all that rests on it is then made anew. Moving or renaming code changes no number. Stored golden
numbers hold each stage to its revision (`tests/golden.py`). A method's own file is no stage: it is
hashed as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Revision(NamedTuple):
    """What a stage computes, as of its last raise."""

    number: int
    change: str
    """What the last raise changed."""


REVISIONS: dict[str, Revision] = {
    # What a trained or unlearned model depends on.
    "synthesis": Revision(1, "the first: samples that espeak-ng and its processing give"),
    "corpus": Revision(1, "the first: decoding, labels, copies left out"),
    "features": Revision(1, "the first: resampling, trimming, the recipe's features"),
    "training": Revision(1, "the first: batches, crops, optimiser and schedule; prediction"),
    "statistics": Revision(1, "the first: Fisher information and sensitivity"),
    "draws": Revision(1, "the first: forget sets by the original's loss"),
    "unlearning": Revision(1, "the first: what a task hands out, adversarial examples"),
    # What metrics depend on, beside the outputs that they are computed from.
    "metrics.accuracy": Revision(1, "the first: accuracies, recall, forgetting"),
    "metrics.membership": Revision(1, "the first: mia_*, by loss and confidence"),
    "metrics.likeness": Revision(2, "against the mean of the references; mia_auc in the gap"),
    "metrics.distance": Revision(3, "of a model made as sure as the references"),
    "metrics.harm": Revision(3, "records name the groups that lost most"),
    "metrics.costs": Revision(1, "the first: seconds, operations, memory, and their ratios"),
    "attacks.audit": Revision(3, "told by how single utterances vary over the references"),
    "attacks.margin": Revision(1, "the first"),
    "attacks.loss": Revision(1, "the first"),
    "attacks.svc": Revision(1, "the first"),
    "attacks.lira": Revision(1, "the first"),
    "attacks.rmia": Revision(1, "the first"),
    "attacks.iam": Revision(1, "the first"),
    "attacks.ulira": Revision(1, "the first"),
    "durability": Revision(1, "the first: int8, pruning of 30 %, relearning"),
}
"""Every stage by its name."""


def revisions(stages: Iterable[str]) -> dict[str, int]:
    """The numbers of some stages, for an identity or a record."""
    return {stage: REVISIONS[stage].number for stage in stages}
