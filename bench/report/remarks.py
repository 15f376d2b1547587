"""Remarks: what stands beside a table, and which runs mean nothing."""

from __future__ import annotations

from collections.abc import Iterable

from ser_unlearn.data.cards import card_names, load_card
from ser_unlearn.report.comparison import Run
from ser_unlearn.report.lines import Line

INTERVALS = "In parentheses: 95 % intervals over runs. Losses, gaps and returns are in points."

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
    """A sentence on how many non-members are of the speaker whose utterance they stand beside."""
    found = [share for line in rows for share in line.all("match_speaker_share")]
    if not found:
        return []
    return [
        "Attacks compare each forgotten utterance with an unseen one; "
        f"{sum(found) / len(found):.0%} of these are of the same speaker."
    ]


def faults(corpus: str) -> list[str]:
    """A sentence on what the corpus's card knows to be wrong with the recordings."""
    notes = load_card(corpus).faults.notes if corpus in card_names() else []
    return [f"Known of the recordings of {corpus}: {' '.join(notes)}"] if notes else []
