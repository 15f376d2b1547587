"""Every metric of a record, from what the models say of every utterance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.data.splits import Split
from ser_unlearn.evaluation import distance, membership, metrics
from ser_unlearn.evaluation.membership import signals
from ser_unlearn.recogniser.outputs import Logits, cross_entropy
from ser_unlearn.unlearning.request import Request


@dataclass(frozen=True)
class Reference:
    """What the metrics of an unlearned model compare it with: the same for every method.

    Logits have the shape [N, C], for every utterance of the corpus.
    """

    original: Logits
    references: tuple[Logits, ...]
    """Of K models retrained with seeds of their own: each [N, C]."""
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

    def behaviour(self, logits: Logits) -> dict[str, float]:
        """A model's accuracies, and the AUC of the attack by the loss on it, as "mia"."""
        return {**self.accuracies(logits), "mia": self.by_loss(logits)[0]}

    def by_loss(self, logits: Logits) -> tuple[float, float]:
        """What the attack by the loss finds: see `membership.threshold_free`."""
        return membership.threshold_free(
            self.losses(logits, "forget"), self.losses(logits, "heldout")
        )

    @cached_property
    def retraining(self) -> distance.Retraining:
        """What the references answer."""
        return distance.Retraining(self.references, self.sets, self.original)

    @cached_property
    def original_accuracies(self) -> dict[str, float]:
        """The original model's accuracies."""
        return self.accuracies(self.original)

    @cached_property
    def retrained_behaviour(self) -> dict[str, float]:
        """The mean behaviour of the references."""
        found = [self.behaviour(each) for each in self.references]
        return {name: float(np.mean([each[name] for each in found])) for name in found[0]}


def reference_of(request: Request, references: int) -> Reference:
    """What the metrics of every answer to a request compare it with.

    Args:
        request: what is to be forgotten, by which model.
        references: how many models retrained with seeds of their own.
    """
    return Reference(
        request.original.logits,
        tuple(each.logits for each in request.references(references)),
        request.setup.labels,
        # What earlier requests took is no part of the training set any more.
        replace(request.setup.split, train=sorted(request.sets["forget"] + request.sets["retain"])),
        request.sets["forget"],
        request.forget_seed,
        request.sets.get("forgotten", []),
    )


Behaviour = Mapping[str, float]
"""What `Reference.behaviour` gives of a model."""


def _accuracy(unlearned: Logits, found: Behaviour, reference: Reference) -> dict[str, float | None]:
    labels, test = reference.labels, reference.sets["test"]
    original, forgotten = reference.original_accuracies, reference.forgotten
    return {
        "forgetting_rate": 1 - found["forget"],
        "relative_forgetting": metrics.relative_forgetting(original["forget"], found["forget"]),
        **{f"{name}_accuracy": found[name] for name in reference.sets},
        "forgotten_accuracy": (
            metrics.accuracy(unlearned[forgotten], labels[forgotten]) if forgotten else None
        ),
        "test_uar": metrics.unweighted_average_recall(unlearned[test], labels[test]),
        "test_accuracy_drop": 100 * (original["test"] - found["test"]),
    }


def _membership(
    unlearned: Logits, found: Behaviour, reference: Reference
) -> dict[str, float | None]:
    sets = reference.sets
    auc, tpr = reference.by_loss(unlearned)
    forget, heldout = (reference.losses(unlearned, name) for name in ("forget", "heldout"))
    confidence = signals.confidence(unlearned, reference.labels)
    return {
        "mia_accuracy": membership.loss_attack(forget, heldout, reference.seed),
        "mia_auc": auc,
        "mia_tpr_at_1fpr": tpr,
        "mia_efficacy": membership.efficacy(
            confidence[sets["forget"]],
            confidence[sets["retain"]],
            confidence[sets["heldout"]],
            reference.seed,
        ),
    }


def _likeness(unlearned: Logits, found: Behaviour, reference: Reference) -> dict[str, float | None]:
    retrained = reference.retrained_behaviour
    return {
        "gap_to_retrain": metrics.gap_to_retrain(found, retrained),
        "tow": metrics.tug_of_war(found, retrained),
    }


def _distance(unlearned: Logits, found: Behaviour, reference: Reference) -> dict[str, float | None]:
    return reference.retraining.metrics(unlearned)


FAMILIES: dict[str, Callable[[Logits, Behaviour, Reference], dict[str, float | None]]] = {
    "metrics.accuracy": _accuracy,
    "metrics.membership": _membership,
    "metrics.likeness": _likeness,
    distance.STAGE: _distance,
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
    wanted = [compute for family, compute in FAMILIES.items() if family in families]
    if not wanted:
        return {}
    found = reference.behaviour(unlearned)
    return {
        name: value
        for compute in wanted
        for name, value in compute(unlearned, found, reference).items()
    }
