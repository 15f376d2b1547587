"""Every metric of a record, from what the models say of every utterance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench import membership, metrics
from bench.membership import signals
from bench.outputs import Logits
from bench.splits import Split


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
    forgotten: Sequence[int] = ()
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
        return metrics.cross_entropy(logits[places], self.labels[places])

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


def evaluate(unlearned: Logits, reference: Reference) -> dict[str, float | None]:
    """Compute every metric of a record except the costs; `metrics.METRICS` says what each is.

    Args:
        unlearned: [N, C], for every utterance of the corpus.
        reference: what to compare with.
    """
    labels, sets = reference.labels, reference.sets
    found = reference.accuracies(unlearned)
    original, retrained = reference.original_accuracies, reference.retrained_behaviour
    attack = reference.attack(unlearned)
    auc, tpr = membership.threshold_free(
        reference.losses(unlearned, "forget"), reference.losses(unlearned, "heldout")
    )
    confidence = signals.confidence(unlearned, labels)
    compared = sets["forget"] + sets["test"]
    forgotten = list(reference.forgotten)
    return {
        "forgetting_rate": 1 - found["forget"],
        "relative_forgetting": metrics.relative_forgetting(original["forget"], found["forget"]),
        **{f"{name}_accuracy": value for name, value in found.items()},
        "forgotten_accuracy": (
            metrics.accuracy(unlearned[forgotten], labels[forgotten]) if forgotten else None
        ),
        "test_uar": metrics.unweighted_average_recall(
            unlearned[sets["test"]], labels[sets["test"]]
        ),
        "test_accuracy_drop": 100 * (original["test"] - found["test"]),
        "mia_accuracy": attack,
        "mia_auc": auc,
        "mia_tpr_at_1fpr": tpr,
        "mia_efficacy": membership.efficacy(
            confidence[sets["forget"]],
            confidence[sets["retain"]],
            confidence[sets["heldout"]],
            reference.seed,
        ),
        "gap_to_retrain": metrics.gap_to_retrain({**found, "mia": attack}, retrained),
        "tow": metrics.tug_of_war(found, retrained),
        "output_divergence": metrics.output_divergence(
            unlearned[compared], reference.retrained[compared]
        ),
    }
