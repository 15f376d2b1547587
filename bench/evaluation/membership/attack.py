"""What a membership attack is: one class, one score an utterance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from ser_unlearn.evaluation.membership.evidence import View
from ser_unlearn.evaluation.membership.signals import Scores
from ser_unlearn.evaluation.prices import Price


@dataclass(frozen=True)
class Attack(ABC):
    """A way to guess which of the audited utterances were trained on.

    Its fields are the attack's parameters. An attack has one direction, fixed before it sees the
    audited model: where a method pushes the forget set beyond what unheard utterances look like,
    an attack that expects members to fit well finds an area under the ROC curve below one half.
    """

    reference: ClassVar[str]
    """Authors, year and identifier of the paper."""

    price: ClassVar[Price]
    """What it costs: a key of `ser_unlearn.evaluation.prices.PRICES`."""

    stage: ClassVar[str]
    """The stage of the harness whose revision it has, in `results.revisions.REVISIONS`."""

    sees: ClassVar[frozenset[str]]
    """What its threat model lets it see: keys of `SIGHTS`. Touching anything else is an error."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The attack's name in tables."""

    @abstractmethod
    def scores(self, view: View) -> Scores:
        """Score the audited utterances.

        Args:
            view: what `sees` declares.

        Returns:
            [N]; the higher, the more likely a member.
        """
