"""Corpora that a user brings: a card outside of the project, or recordings without any card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ser_unlearn.data.cards import CARDS, Card, card_names, load_card
from ser_unlearn.data.drafts import draft
from ser_unlearn.errors import UserError


@dataclass(frozen=True)
class Brought:
    """A corpus that is none of the project's."""

    card: Card
    folder: Path | None = None
    """Where its recordings lie, if the card was drafted from them."""


def bring(
    references: Iterable[str], emotion_column: str | None = None, speaker_column: str | None = None
) -> tuple[list[str], dict[str, Brought]]:
    """What corpora are called, and those of them that are none of the project's, by name.

    Args:
        references: names, paths of cards, or folders with recordings.
        emotion_column: of folders without a card, the column with emotions.
        speaker_column: the one with speakers.

    Raises:
        UserError: if one is nothing of these, is not valid, or has another's name.
    """
    names: list[str] = []
    brought: dict[str, Brought] = {}
    for reference in references:
        if reference in card_names() or not _is_path(reference):
            names.append(load_card(reference).name)
            continue
        found = _bring(Path(reference), emotion_column, speaker_column)
        name = found.card.name
        if name in card_names() or brought.get(name, found) != found:
            raise UserError(
                f"There is another corpus called '{name}' beside that of {reference}. Rename it."
            )
        names.append(name)
        brought[name] = found
    return names, brought


def _is_path(reference: str) -> bool:
    path = Path(reference)
    if path.suffix == ".yaml":
        return path.resolve().parent != CARDS
    try:
        return path.is_dir()
    # A name that is too long for one.
    except OSError:
        return False


def _bring(path: Path, emotion_column: str | None, speaker_column: str | None) -> Brought:
    if path.suffix == ".yaml":
        return Brought(load_card(str(path)))
    if emotion_column is None or speaker_column is None:
        raise UserError(
            f"{path} is a folder without a card. Name the columns with its labels: "
            "--emotion-column NAME --speaker-column NAME."
        )
    return Brought(draft(path, emotion_column, speaker_column), path.resolve())
