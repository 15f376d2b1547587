"""Remarks: what stands beside a table, and which runs mean nothing."""

from __future__ import annotations

from collections.abc import Iterable

from ser_unlearn.data.cards import card_names, load_card
from ser_unlearn.report.comparison import Run
from ser_unlearn.report.lines import Line

INTERVALS = "In parentheses: 95 % intervals over runs. Losses, gaps and returns are in points."

MATCHED = 0.95
"""Of the unseen utterances: with fewer of the same emotion, attacks tell retrained models too."""

FEW = 16
"""Forgotten utterances, of which fewer say little."""


def caveats(rows: Iterable[Line]) -> list[str]:
    """Sentences on runs whose numbers mean nothing.

    Args:
        rows: of one table or of several.
    """
    known: dict[Run, float] = {}
    sizes: dict[Run, int] = {}
    for line in rows:
        for outcome in line.outcomes:
            sizes[outcome.run] = outcome.forget
            after, lost = (
                outcome.metrics.get(name) for name in ("forget_accuracy", "relative_forgetting")
            )
            if after is not None and lost is not None and lost < 1:
                known[outcome.run] = after / (1 - lost)
    failing = [run for run, accuracy in known.items() if accuracy < 0.5]
    small = [run for run, size in sizes.items() if size < FEW]
    sentences = []
    if failing:
        sentences.append(
            f"In {len(failing)} of {len(sizes)} runs the original itself fails on most of the "
            "forget set: what these runs say of forgetting means nothing."
        )
    if small:
        sentences.append(
            f"In {len(small)} of {len(sizes)} runs fewer than {FEW} utterances were forgotten: "
            "shares and attacks of so few mean nothing."
        )
    return sentences


def matching(rows: Iterable[Line]) -> list[str]:
    """What the unseen utterances share with the forgotten ones that they stand beside."""
    chosen = list(rows)
    speaker, emotion = (
        [share for line in chosen for share in line.all(f"match_{name}_share")]
        for name in ("speaker", "emotion")
    )
    if not speaker or not emotion:
        return []
    alike = sum(emotion) / len(emotion)
    sentence = (
        "Attacks compare each forgotten utterance with unseen ones, of which "
        f"{sum(speaker) / len(speaker):.0%} are of the same speaker and {alike:.0%} have the same "
        "emotion"
    )
    if alike < MATCHED:
        sentence += "; where emotions differ, attacks may tell these, and not who was forgotten"
    return [f"{sentence}."]


def faults(corpus: str) -> list[str]:
    """A sentence on what the corpus's card knows to be wrong with the recordings."""
    notes = load_card(corpus).faults.notes if corpus in card_names() else []
    return [f"Known of the recordings of {corpus}: {' '.join(notes)}"] if notes else []
