"""What a card promises of a corpus, against what is there."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ser_unlearn.data.cards import Card
from ser_unlearn.data.labels import some
from ser_unlearn.errors import UserError


def check_counts(card: Card, speakers: Sequence[str], unmatched: Sequence[str]) -> None:
    """Refuse a corpus that is not what its card says.

    Args:
        card: the corpus's card.
        speakers: of every recording.
        unmatched: files that are no recordings of the corpus, but look like some.

    Raises:
        UserError: if counts differ, or a speaker has no gender where others have one.
    """
    found = len(speakers), len(set(speakers))
    expected = card.utterances or found[0], card.speakers or found[1]
    if found != expected:
        others = f" Not among them: {some(unmatched)}." if unmatched else ""
        raise UserError(
            f"The corpus '{card.name}' should have {expected[0]} utterances by {expected[1]} "
            f"speakers, but {found[0]} by {found[1]} were found.{others} "
            "Complete the folder, or correct the card if the corpus really is different."
        )
    for fault in gender_faults(card, speakers):
        raise UserError(f"{fault} Correct the card's `genders`.")


def gender_faults(card: Card, speakers: Sequence[str]) -> list[str]:
    """A sentence for each speaker without a gender, where the card gives genders."""
    missing = sorted(set(speakers) - set(card.genders)) if card.genders else []
    strangers = sorted(set(card.genders) - set(speakers))
    faults = []
    for speaker in missing:
        near = difflib.get_close_matches(speaker, strangers, n=1, cutoff=0.5) or strangers[:1]
        instead = f", but one for '{near[0]}', who does not speak" if near else ""
        faults.append(f"The card '{card.name}' has no gender for the speaker '{speaker}'{instead}.")
    return faults
