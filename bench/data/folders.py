"""Recordings in a local folder, with labels in their names, their paths or a table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from ser_unlearn.data.cards import Card
from ser_unlearn.data.labels import (
    Entry,
    Labelling,
    Reader,
    below,
    check_names,
    name_of,
    names_of,
    some,
)
from ser_unlearn.data.origins import FolderSource, Table
from ser_unlearn.data.patterns import matcher
from ser_unlearn.data.tables import read_table
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown

AUDIO = frozenset(
    f".{ending}"
    for ending in (
        *("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "snd", "w64"),
        *("rf64", "caf", "sph", "nist", "m4a", "mp4", "aac", "wma"),
    )
)
"""Endings of files that are taken for recordings, whether or not they can be read."""


def files_in(folder: Path) -> list[str]:
    """The paths of all files below a folder, with forward slashes; hidden ones are left out."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".")]
        below = Path(place).relative_to(folder)
        found += [(below / name).as_posix() for name in names if not name.startswith(".")]
    return sorted(found)


def sounds_in(folder: Path) -> list[str]:
    """The paths of all files below a folder whose ending is that of a recording."""
    return [path for path in files_in(folder) if PurePosixPath(path).suffix.lower() in AUDIO]


def scan(card: Card, source: FolderSource, data_dir: Path) -> list[Entry]:
    """The recordings in a folder that the card's source knows, by name.

    Raises:
        UserError: if there is none, a name stands twice, a label is unknown to the card or cannot
            be one, a pattern takes too long, or a table is wrong.
    """
    if source.pattern is not None:
        entries = _by_name(card, source, source.pattern, data_dir)
    elif source.path_pattern is not None:
        entries = _by_path(card, source, source.path_pattern, data_dir)
    else:
        assert source.table is not None
        entries = _by_table(card, source, source.table, data_dir)
    check_names(entry.name for entry in entries)
    return entries


def seen(folder: Path) -> str:
    """A sentence on what a folder holds, for messages that miss something there."""
    files = files_in(folder)
    return f"It holds {some(files)}." if files else "It holds no file."


def _by_name(card: Card, source: FolderSource, pattern: str, data_dir: Path) -> list[Entry]:
    match_name = matcher(pattern)
    labelling = Labelling(card, source.codes)
    found = False
    for path in sorted(data_dir.rglob("*"), key=lambda path: (path.stem, str(path))):
        match = match_name(path.name)
        if match is None or not path.is_file():
            continue
        found = True
        texts = {field: text for field, text in match.groupdict().items() if text is not None}
        labelling.add(path.stem, texts, path)
    _check_some(found, f"has a name that the card '{card.name}' knows", pattern, data_dir)
    return labelling.entries()


def _by_path(card: Card, source: FolderSource, pattern: str, data_dir: Path) -> list[Entry]:
    match_path = matcher(pattern)
    matches = [(path, match_path(path)) for path in sounds_in(data_dir)]
    known = [(path, match) for path, match in matches if match is not None]
    _check_some(bool(known), f"has a path that the card '{card.name}' knows", pattern, data_dir)
    labelling = Labelling(card, source.codes)
    names = names_of([path for path, _ in known])
    for name, (path, match) in zip(names, known, strict=True):
        texts = {field: text for field, text in match.groupdict().items() if text is not None}
        labelling.add(name, texts, data_dir / path)
    return sorted(labelling.entries(), key=lambda entry: entry.name)


def _check_some(found: bool, what: str, pattern: str, data_dir: Path) -> None:
    if not found:
        raise UserError(
            f"No file in {data_dir} {what} (pattern {shown(pattern, 200)}). {seen(data_dir)} "
            "Give the folder that holds the recordings, or mend the card."
        )


def _by_table(card: Card, source: FolderSource, said: Table, data_dir: Path) -> list[Entry]:
    path = data_dir / said.file
    if not path.is_file():
        raise UserError(
            f"The table {said.file}, which the card '{card.name}' names, is not in {data_dir}. "
            f"{seen(data_dir)}"
        )
    table = read_table(path)
    reader = Reader(said, table.columns, f"The table {path}")
    named = [(reader.text("audio", row), row) for row in table.rows]
    # What is left out need not be there.
    named = [(text, row) for text, row in named if name_of(text) not in card.faults.exclude]
    files = find([text for text, _ in named], path.parent, data_dir)
    names = names_of([below(file, data_dir) for file in files])
    labelling = Labelling(card, source.codes)
    for name, file, (_, row) in zip(names, files, named, strict=True):
        labelling.add(name, partial(reader.texts, row, name), file)
    return sorted(labelling.entries(), key=lambda entry: entry.name)


def find(said: Sequence[str], beside: Path, folder: Path) -> list[Path]:
    """The files that a table names.

    Args:
        said: paths from the table's folder or from the corpus's, whole paths, or the names of
            files anywhere in the corpus's folder, with or without their endings.
        beside: the table's folder.
        folder: the corpus's folder.

    Raises:
        UserError: if a file is not there, is named twice, or might be one of several.
    """
    by_name: dict[str, list[Path]] = {}
    for path in sounds_in(folder):
        pure = PurePosixPath(path)
        for name in {pure.name, pure.stem}:
            by_name.setdefault(name, []).append(folder / path)

    def place(text: str) -> Path | None:
        for start in (beside, folder):
            if text and (start / text).is_file():
                return start / text
        candidates = by_name.get(PurePosixPath(text).name, [])
        if len(candidates) > 1:
            raise UserError(
                f"The table names '{shown(text, 80)}', and {folder} holds "
                f"{len(candidates)} files called so. Write their paths into the table."
            )
        return candidates[0] if candidates else None

    places = [place(text) for text in said]
    missing = [text for text, found in zip(said, places, strict=True) if found is None]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(said)} files that the table names are not in {folder}: "
            f"{some(missing)}. {seen(folder)} Complete the folder, or mend the table."
        )
    found = [each for each in places if each is not None]
    twice = [path for path, count in Counter(found).items() if count > 1]
    if twice:
        raise UserError(f"The table names '{twice[0].name}' more than once. Mend the table.")
    return found
