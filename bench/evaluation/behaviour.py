"""Every metric of a record, from what the models say of every utterance."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.data.splits import Split
from ser_unlearn.evaluation import membership, metrics
from ser_unlearn.evaluation.membership import signals
from ser_unlearn.recogniser.outputs import Logits, cross_entropy
from ser_unlearn.unlearning.request import Request


@dataclass(frozen=True)
class Reference:
    """What the metrics of an unlearned model compare it with: the same for every method.

    Both arrays of logits have the shape [N, C], for every utterance of the corpus.
    """

    original: Logits
    retrained: Logits
    labels: NDArray[np.int64]
    """[N], the number of each utterance's emotion."""
    split: Split
    forget: list[int]
    """Positions of the forget set."""
    seed: int
    """Draws the balanced samples and the folds of the membership attacks."""
    forgotten: list[int] = field(default_factory=list)
    """Positions of what earlier requests of a sequence took."""

    @cached_property
    def sets(self) -> dict[str, list[int]]:
        """The positions of the sets in which accuracy counts."""
        return {
            "forget": self.forget,
            "retain": sorted(set(self.split.train) - set(self.forget)),
            "heldout": self.split.heldout,
            "test": self.split.test,
        }

    def accuracies(self, logits: Logits) -> dict[str, float]:
        """A model's accuracy on each of the sets, in 0..1."""
        return {
            name: metrics.accuracy(logits[places], self.labels[places])
            for name, places in self.sets.items()
        }

    def losses(self, logits: Logits, name: str) -> NDArray[np.float64]:
        """A model's cross-entropies on a set, in nats."""
        places = self.sets[name]
        return cross_entropy(logits[places], self.labels[places])

    def attack(self, logits: Logits) -> float:
        """The accuracy of the membership attack by the loss."""
        return membership.loss_attack(
            self.losses(logits, "forget"), self.losses(logits, "heldout"), self.seed
        )

    @cached_property
    def original_accuracies(self) -> dict[str, float]:
        """The original model's accuracies."""
        return self.accuracies(self.original)

    @cached_property
    def retrained_behaviour(self) -> dict[str, float]:
        """The retrained model's accuracies, and how well the attack does on it, as "mia"."""
        return {**self.accuracies(self.retrained), "mia": self.attack(self.retrained)}


def reference_of(request: Request) -> Reference:
    """What the metrics of every answer to a request compare it with."""
    return Reference(
        request.original.logits,
        request.retrained.logits,
        request.setup.labels,
        # What earlier requests took is no part of the training set any more.
        replace(request.setup.split, train=sorted(request.sets["forget"] + request.sets["retain"])),
        request.sets["forget"],
        request.forget_seed,
        request.sets.get("forgotten", []),
    )


def _accuracy(unlearned: Logits, reference: Reference) -> dict[str, float | None]:
    labels, test = reference.labels, reference.sets["test"]
    found, original = reference.accuracies(unlearned), reference.original_accuracies
    forgotten = reference.forgotten
    return {
        "forgetting_rate": 1 - found["forget"],
        "relative_forgetting": metrics.relative_forgetting(original["forget"], found["forget"]),
        **{f"{name}_accuracy": value for name, value in found.items()},
        "forgotten_accuracy": (
            metrics.accuracy(unlearned[forgotten], labels[forgotten]) if forgotten else None
        ),
        "test_uar": metrics.unweighted_average_recall(unlearned[test], labels[test]),
        "test_accuracy_drop": 100 * (original["test"] - found["test"]),
    }


def _membership(unlearned: Logits, reference: Reference) -> dict[str, float | None]:
    sets = reference.sets
    auc, tpr = membership.threshold_free(
        reference.losses(unlearned, "forget"), reference.losses(unlearned, "heldout")
    )
    confidence = signals.confidence(unlearned, reference.labels)
    return {
        "mia_accuracy": reference.attack(unlearned),
        "mia_auc": auc,
        "mia_tpr_at_1fpr": tpr,
        "mia_efficacy": membership.efficacy(
            confidence[sets["forget"]],
            confidence[sets["retain"]],
            confidence[sets["heldout"]],
            reference.seed,
        ),
    }


def _likeness(unlearned: Logits, reference: Reference) -> dict[str, float | None]:
    found, retrained = reference.accuracies(unlearned), reference.retrained_behaviour
    compared = reference.sets["forget"] + reference.sets["test"]
    return {
        "gap_to_retrain": metrics.gap_to_retrain(
            {**found, "mia": reference.attack(unlearned)}, retrained
        ),
        "tow": metrics.tug_of_war(found, retrained),
        "output_divergence": metrics.output_divergence(
            unlearned[compared], reference.retrained[compared]
        ),
    }


FAMILIES: dict[str, Callable[[Logits, Reference], dict[str, float | None]]] = {
    "metrics.accuracy": _accuracy,
    "metrics.membership": _membership,
    "metrics.likeness": _likeness,
}
"""Families of metrics, by the stage whose revision they have."""


def evaluate(
    unlearned: Logits, reference: Reference, families: Collection[str] = tuple(FAMILIES)
) -> dict[str, float | None]:
    """Compute what outputs alone say; `metrics.METRICS` says what each number is.

    Args:
        unlearned: [N, C], for every utterance of the corpus.
        reference: what to compare with.
        families: which metrics; those that are not in `FAMILIES` are left to others.
    """
    return {
        name: value
        for family, compute in FAMILIES.items()
        if family in families
        for name, value in compute(unlearned, reference).items()
    }
