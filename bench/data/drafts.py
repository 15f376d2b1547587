"""Cards for recordings that have none: drafted from a folder and the names of two columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ser_unlearn.data.cards import Card
from ser_unlearn.data.folders import files_in, find, seen
from ser_unlearn.data.local import FILE_NAME, columns_of, form_of
from ser_unlearn.data.sources import read
from ser_unlearn.data.tables import FORMS, read_table
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown
from ser_unlearn.results.reading import UnreadableError, fill

MOST_EMOTIONS = 50
"""A column with more different values holds something else."""

UNSTATED = "not stated"

AUDIO = "audio"
"""The column with recordings, where nobody says another."""

HEADER = "# A draft: say what the corpus is, and under which terms.\n"


def draft(folder: Path, emotion: str, speaker: str) -> Card:
    """A card for a data set, or for recordings with a table, in a folder.

    Args:
        folder: its name becomes the corpus's.
        emotion: the column with emotions.
        speaker: the column with speakers.

    Raises:
        UserError: if the folder holds neither, or something is wrong with what it holds.
    """
    source = _data_set(folder, emotion, speaker) or _with_table(folder, emotion, speaker)
    return _card(folder, source)


def draft_by_paths(folder: Path, pattern: str) -> Card:
    """A card for recordings whose paths say what they are.

    Args:
        folder: its name becomes the corpus's.
        pattern: a regular expression over the paths below it.

    Raises:
        UserError: if the pattern is none, or something is wrong with what it finds.
    """
    return _card(folder, {"kind": "folder", "path_pattern": pattern})


def to_yaml(card: Card) -> str:
    """A card as the text of its file."""
    values = card.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    return HEADER + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


def _card(folder: Path, source: dict[str, Any]) -> Card:
    name = folder.resolve().name
    values = {
        "name": name,
        "title": name,
        "licence": UNSTATED,
        "citation": UNSTATED,
        "language": "und",
        # In the place of those that are found below.
        "emotions": ["one", "another"],
        "sources": [source],
    }
    card = _filled(values)
    (parsed,) = card.sources
    entries = read(card.model_copy(update={"emotions": []}), parsed, folder)
    emotions = sorted({entry.emotion for entry in entries})
    if len(emotions) > MOST_EMOTIONS:
        raise UserError(
            f"{folder} has {len(emotions)} different emotions, such as "
            f"'{shown(emotions[0], 80)}'. Name the column that holds the emotion."
        )
    return _filled({**values, "emotions": emotions})


def _filled(values: dict[str, Any]) -> Card:
    try:
        return fill(Card, values)
    except UnreadableError as error:
        raise UserError(f"No card can be made for {values['name']}. Mend this: {error}") from error


def _data_set(folder: Path, emotion: str, speaker: str) -> dict[str, Any] | None:
    """A source for what the `datasets` library has a name for."""
    form = form_of(folder)
    if form is None:
        return None
    if (FILE_NAME if form == "audiofolder" else AUDIO) not in columns_of(folder):
        return None
    return {"kind": "local", "columns": {"emotion": emotion, "speaker": speaker}}


def _with_table(folder: Path, emotion: str, speaker: str) -> dict[str, Any]:
    """A source for the one table in the folder that has both columns."""
    found = []
    for path in files_in(folder):
        if path.lower().endswith(FORMS):
            table = read_table(folder / path)
            if {emotion, speaker} <= set(table.columns):
                found.append((path, table))
    if len(found) != 1:
        raise UserError(
            f"{len(found) or 'No'} tables in {folder} have the columns '{shown(emotion, 80)}' and "
            f"'{shown(speaker, 80)}'. {seen(folder)} Write a card that says which is meant, or "
            "where else labels are: ser-unlearn check-corpus --help."
        )
    ((path, table),) = found
    for column in table.columns:
        try:
            find([str(row[column]) for row in table.rows], (folder / path).parent, folder)
        except UserError:
            continue
        columns = {"audio": column, "emotion": emotion, "speaker": speaker}
        return {"kind": "folder", "table": {"file": path, "columns": columns}}
    raise UserError(
        f"No column of {folder / path} names files in {folder}. {seen(folder)} "
        "Complete the folder, mend the table, or write a card that names the column with audio."
    )
