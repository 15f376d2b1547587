"""Data sets in columns: recordings as bytes or as paths, and their labels beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_unlearn.data.cards import Card
from ser_unlearn.data.labels import Entry, Labelling, Reader, below, name_of, names_of
from ser_unlearn.data.origins import HubSource, LocalSource
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Sound:
    """What a column says of a recording, and where it is: in a file, or what gives its bytes."""

    said: str | None
    file: Path | None = None
    data: Callable[[], bytes] | None = None


Rows = list[dict[str, Any]]
"""Values by column, without the one with audio."""


Locate = Callable[[Sequence[str]], list[Path]]
"""Paths as a column has them to files."""


def audio_column(source: HubSource | LocalSource) -> str:
    """The column with the recordings.

    Raises:
        UserError: if several are named.
    """
    audio = source.columns.get("audio", "audio")
    if not isinstance(audio, str):
        raise UserError("The card has several columns for audio. Name one.")
    return audio


def entries_of(
    card: Card,
    source: HubSource | LocalSource,
    reader: Reader,
    rows: Rows,
    sounds: Sequence[Sound],
    folder: Path | None = None,
) -> list[Entry]:
    """The recordings of a data set.

    Args:
        card: the corpus's card.
        source: what the texts of labels stand for.
        reader: reads them from a row.
        rows: the labels.
        sounds: the recordings, in the same order.
        folder: where the data set is.

    Raises:
        UserError: if a label is unknown to the card.
    """
    audio = audio_column(source)
    labelling = Labelling(card, source.codes)
    for name, row, sound in zip(_names(sounds, folder), rows, sounds, strict=True):
        texts = partial(reader.texts, {**row, audio: sound.said or name}, name)
        labelling.add(name, texts, sound.file, sound.data)
    return labelling.entries()


def parts_of(
    dataset: Dataset, reader: Reader, audio: str, called: str, locate: Locate
) -> tuple[Rows, list[Sound]]:
    """Labels and recordings of a `Dataset`; bytes stay where they are until they are read.

    Args:
        dataset: with audio as files or bytes.
        reader: says which columns are labels.
        audio: the column with the recordings.
        called: what errors call it.
        locate: finds the files of recordings that come as paths.

    Raises:
        UserError: if the column holds no recordings, or a file is not there.
    """
    from datasets import Audio

    try:
        dataset = dataset.cast_column(audio, Audio(decode=False))
    # There is another error for every kind of column.
    except Exception as error:
        raise no_audio(called, audio) from error
    labels = dataset.select_columns(sorted(reader.columns - {audio}))
    rows = [
        {column: _named(labels.features[column], value) for column, value in row.items()}
        for row in labels
    ]
    # Of `datasets`, rows would hold the bytes; of Arrow, they are taken when they are asked for.
    cells = dataset.select_columns([audio]).with_format("arrow")[:][audio]
    said = [cell["path"].as_py() for cell in cells]
    data = [cell["bytes"].as_py if cell["bytes"].is_valid else None for cell in cells]
    return rows, sounds_of(said, data, locate)


def sounds_of(
    said: Sequence[str | None], data: Sequence[Callable[[], bytes] | None], locate: Locate
) -> list[Sound]:
    """Recordings, those without bytes in the files that their paths lead to."""
    files = iter(locate([path or "" for path, read in zip(said, data, strict=True) if not read]))
    return [
        Sound(path, data=read) if read else Sound(path, next(files))
        for path, read in zip(said, data, strict=True)
    ]


def no_audio(called: str, column: str) -> UserError:
    """The error for a column that holds something else."""
    return UserError(
        f"{called} holds no recordings in its column '{shown(column, 80)}'. "
        "Name the one that does in the card: `columns: {audio: ...}`."
    )


def _names(sounds: Sequence[Sound], folder: Path | None) -> list[str]:
    """The names of recordings: their files', or their numbers if one has none."""
    paths = [below(sound.file, folder) if sound.file else sound.said for sound in sounds]
    given = [path for path in paths if path]
    if len(given) == len(paths):
        return names_of(given)
    return [name_of(path) if path else f"{number:05d}" for number, path in enumerate(paths)]


def _named(feature: Any, value: Any) -> Any:
    """A value; of a class label, its name."""
    if hasattr(feature, "int2str") and value is not None:
        return feature.int2str(value)
    return value
