"""Who bears the harm: accuracy by emotion, speaker and gender, before and after unlearning.

A loss of accuracy that is small on the whole can fall on few: on the emotion that was forgotten
most, or on speakers who never asked for anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_unlearn.recogniser.outputs import Logits

if TYPE_CHECKING:
    from ser_unlearn.data.corpus import Corpus
    from ser_unlearn.evaluation.behaviour import Reference

HARM = "metrics.harm"
"""The family of metrics, and the stage whose revision they have."""

SETS = ("test", "retain")
"""Where harm counts: what is said of strangers, and of those who stay in the training set."""

SMALLEST_GROUP = 10
"""A smaller group does not count as the worst: one utterance would be more than 10 points of its
accuracy, and the smallest group would be the worst by chance."""

Groups = Mapping[str, Sequence[str | None]]
"""For each way to divide the corpus, every utterance's group, [N]; None for an unknown one."""


@dataclass(frozen=True)
class Share:
    """A group of a set, with the original's and the unlearned model's accuracy on it in 0..1."""

    set: str
    kind: str
    """How the set is divided, such as "emotion"."""
    group: str
    count: int
    """How many utterances the group has in the set."""
    original: float
    unlearned: float

    @property
    def drop(self) -> float:
        """The accuracy that unlearning took from the group, in points."""
        return 100 * (self.original - self.unlearned)


def groups_of(corpus: Corpus) -> dict[str, list[str | None]]:
    """A corpus divided by emotion, by speaker, and by gender as far as its card knows it."""
    utterances, genders = corpus.utterances, corpus.card.genders
    return {
        "emotion": [each.emotion for each in utterances],
        "speaker": [each.speaker for each in utterances],
        "gender": [genders.get(each.speaker) for each in utterances],
    }


def shares(unlearned: Logits, reference: Reference, groups: Groups) -> Iterator[Share]:
    """Every group of the test and the retain set, also those too small to count as the worst.

    Args:
        unlearned: [N, C], for every utterance of the corpus.
        reference: the original's outputs, the labels and the sets.
        groups: such as `groups_of` gives.
    """
    before = reference.original.argmax(axis=1) == reference.labels
    after = unlearned.argmax(axis=1) == reference.labels
    for name in SETS:
        for kind, members in groups.items():
            places: dict[str, list[int]] = {}
            for place in reference.sets[name]:
                group = members[place]
                if group is not None:
                    places.setdefault(group, []).append(place)
            for group, chosen in sorted(places.items()):
                yield Share(
                    name,
                    kind,
                    group,
                    len(chosen),
                    float(before[chosen].mean()),
                    float(after[chosen].mean()),
                )


def worst_off(unlearned: Logits, reference: Reference, groups: Groups) -> dict[str, Share]:
    """Of each kind the group that lost most, of those of at least `SMALLEST_GROUP` utterances.

    A kind without such a group is left out. Arguments are those of `shares`.
    """
    found: dict[str, Share] = {}
    for each in shares(unlearned, reference, groups):
        worst = found.get(each.kind)
        if each.count >= SMALLEST_GROUP and (worst is None or each.drop > worst.drop):
            found[each.kind] = each
    return found


def spread(unlearned: Logits, reference: Reference, groups: Groups) -> dict[str, float | None]:
    """The worst-off group of each kind, and how far the model agrees with retrained ones.

    The largest of many losses is above 0 by chance alone. The retrained model's own, from this
    function, says by how much.

    Args:
        unlearned: [N, C], for every utterance of the corpus.
        reference: the other models' outputs, the labels and the sets.
        groups: such as `groups_of` gives.

    Returns:
        For each kind "worst_<kind>_drop": the largest loss of accuracy of a group of at least
        `SMALLEST_GROUP` utterances in the test or the retain set, in points; None where no group
        is that large. Besides, "forget_agreement" and "test_agreement", means over the
        references: see `agreement`; without references they are left out.
    """
    worst: dict[str, float | None] = dict.fromkeys(f"worst_{kind}_drop" for kind in groups)
    for kind, each in worst_off(unlearned, reference, groups).items():
        worst[f"worst_{kind}_drop"] = each.drop
    agreements = {
        f"{name}_agreement": float(
            np.mean([agreement(unlearned[places], each[places]) for each in reference.references])
        )
        for name, places in reference.sets.items()
        if name in ("forget", "test") and reference.references
    }
    return {**worst, **agreements}


def agreement(first: Logits, second: Logits) -> float:
    """Share of utterances that two models [N, C] name the same emotion for, right or wrong."""
    same = first.argmax(axis=1) == second.argmax(axis=1)
    return float(np.mean(same))
