"""Findings: what records hold of a forget set and an unlearned model, beside its metrics."""

from __future__ import annotations

from pydantic import Field

from ser_unlearn.results.documents import Document, Share
from ser_unlearn.results.names import Label

Span = tuple[Share, Share, Share]
"""A share, and the two ends of its interval."""


class Attack(Document):
    """What one membership attack found of the unlearned model."""

    auc: Span
    """Area under the ROC curve."""
    tpr_at_1fpr: Span
    """Members found where at most 1 % of the non-members are accused."""
    references: list[Share] = Field(min_length=2)
    """The same area of each of the models retrained with seeds of their own."""
    told: bool
    """Whether the area is where no further such model's would be: `membership.References`."""


class Drawn(Document):
    """A forget set that hangs on the original, so that nobody need train that to know it."""

    key: str
    """Hash of what decides it: the original, the scenario and the forget seed."""
    names: list[str] = Field(min_length=1)
    """The utterances."""


class WorstGroup(Document):
    """The group of a corpus that lost most accuracy."""

    set: Label
    """Where it lost it: "test" or "retain"."""
    group: Label
