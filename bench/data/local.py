"""Data sets of the `datasets` library in a local folder, read without its cache.

A cache knows a folder by its files' names, and so would go on with what they held before.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ser_unlearn.data.cards import Card
from ser_unlearn.data.columns import (
    Locate,
    Rows,
    Sound,
    audio_column,
    entries_of,
    no_audio,
    parts_of,
    sounds_of,
)
from ser_unlearn.data.folders import files_in, find, seen, sounds_in
from ser_unlearn.data.labels import Entry, Reader
from ser_unlearn.data.origins import LocalSource
from ser_unlearn.data.tables import opened, plain_columns, read_table, rows_of
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown
from ser_unlearn.results.reading import UnreadableError

if TYPE_CHECKING:
    from datasets import Dataset

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Files in which an `audiofolder` keeps its labels."""

FILE_NAME = "file_name"
"""The column of these files that names the recordings."""


def from_local(card: Card, source: LocalSource, folder: Path) -> list[Entry]:
    """The recordings of a data set in a folder.

    Raises:
        UserError: if the folder holds none, a split or a column is not there, or a label is unknown
            to the card.
    """
    form = form_of(folder)
    if form is None:
        raise UserError(
            f"{folder} holds no data set: neither Parquet, nor what `save_to_disk` leaves, nor an "
            f"`audiofolder`. {seen(folder)}"
        )
    return _FORMS[form](card, source, folder)


def form_of(folder: Path) -> str | None:
    """Which of the forms of a data set a folder has, if any."""
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        return "saved"
    files = files_in(folder)
    if any(PurePosixPath(path).name in METADATA for path in files):
        return "audiofolder"
    if any(path.endswith(".parquet") for path in files):
        return "parquet"
    return "audiofolder" if sounds_in(folder) else None


def containers(folder: Path) -> list[str]:
    """The paths of the files that may have recordings in them."""
    return [path for path in files_in(folder) if path.endswith((".parquet", ".arrow"))]


def columns_of(folder: Path) -> list[str]:
    """The columns of a data set in a folder, all of its parts together.

    Raises:
        UserError: if it cannot be read.
    """
    form = form_of(folder)
    if form == "saved":
        found = [dataset.column_names for dataset in _saved(folder, None)]
    elif form == "parquet":
        found = [_columns(folder / path) for path in _parts(folder, None)]
    else:
        found = [read_table(folder / path).columns for path in _metadata(folder, None)]
    return list(dict.fromkeys(column for columns in found for column in columns))


def _columns(path: Path) -> list[str]:
    try:
        names: list[str] = opened(path).schema_arrow.names
    except UnreadableError as error:
        raise UserError(f"The file {path} cannot be read: {error}. Replace it.") from error
    return names


def _from_saved(card: Card, source: LocalSource, folder: Path) -> list[Entry]:
    audio, called = audio_column(source), f"The data set {folder}"
    rows: Rows = []
    sounds: list[Sound] = []
    parts = _saved(folder, source.splits)
    known = set.intersection(*(set(part.column_names) for part in parts))
    reader = Reader(source, sorted(known), called)
    reader.require(audio)
    for part in parts:
        labels, recordings = parts_of(part, reader, audio, called, _locate(folder))
        rows += labels
        sounds += recordings
    return entries_of(card, source, reader, rows, sounds, folder)


def _saved(folder: Path, splits: list[str] | None) -> list[Dataset]:
    from datasets import DatasetDict, load_from_disk

    try:
        saved = load_from_disk(str(folder))
    # There is another error for every file that may be damaged.
    except Exception as error:
        raise UserError(
            f"The data set {folder} cannot be read ({type(error).__name__}: "
            f"{shown(str(error), 150)}). Save it again."
        ) from error
    if not isinstance(saved, DatasetDict):
        _check_splits(folder, splits, [str(saved.split or "train")])
        return [saved]
    _check_splits(folder, splits, list(saved))
    return [saved[name] for name in splits or saved]


def _from_parquet(card: Card, source: LocalSource, folder: Path) -> list[Entry]:
    audio = audio_column(source)
    rows: Rows = []
    sounds: list[Sound] = []
    for part in _parts(folder, source.splits):
        path = folder / part
        called = f"The file {path}"
        try:
            file = opened(path)
            known = [*plain_columns(file.schema_arrow), audio]
            reader = Reader(
                source, [each for each in file.schema_arrow.names if each in known], called
            )
            reader.require(audio)
            rows += rows_of(file, sorted(reader.columns - {audio}))
            sounds += _recordings(file, audio, called, _locate(folder))
        except UnreadableError as error:
            raise UserError(f"{called} cannot be read: {error}. Replace it.") from error
    return entries_of(card, source, reader, rows, sounds, folder)


def _recordings(file: Any, audio: str, called: str, locate: Locate) -> list[Sound]:
    """The recordings of a Parquet file, of which only the paths are read."""
    from pyarrow import types

    kind = file.schema_arrow.field(audio).type
    count = file.metadata.num_rows
    said: list[str | None] = [None] * count
    if types.is_string(kind) or types.is_large_string(kind):
        said = [row[audio] for row in rows_of(file, [audio])]
        return sounds_of(said, [None] * count, locate)
    binary = types.is_binary(kind) or types.is_large_binary(kind)
    fields = {field.name for field in kind} if types.is_struct(kind) else set()
    if not binary and "bytes" not in fields:
        raise no_audio(called, audio)
    if "path" in fields:
        said = [row[audio]["path"] for row in rows_of(file, [f"{audio}.path"])]
    if not binary and _is_empty(file, f"{audio}.bytes"):
        return sounds_of(said, [None] * count, locate)
    groups = _Groups(file, audio)
    return [Sound(path, data=partial(groups.read, row)) for row, path in enumerate(said)]


def _is_empty(file: Any, column: str) -> bool:
    """Whether a column of a Parquet file says of itself that it holds nothing."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
    statistics = [chunk.statistics for chunk in chunks if chunk.path_in_schema == column]
    return all(each is not None and each.num_values == 0 for each in statistics)


class _Groups:
    """The recordings in a Parquet file, of which one group of rows is held at a time."""

    def __init__(self, file: Any, audio: str) -> None:
        self._file = file
        self._audio = audio
        counts = (
            file.metadata.row_group(number).num_rows
            for number in range(file.metadata.num_row_groups)
        )
        self._starts = list(accumulate(counts, initial=0))
        self._held = -1
        self._cells: Any = None

    def read(self, row: int) -> bytes:
        """The bytes of the recording in a row."""
        group = bisect_right(self._starts, row) - 1
        if group != self._held:
            self._cells = self._file.read_row_group(group, columns=[self._audio])[self._audio]
            self._held = group
        value = self._cells[row - self._starts[group]].as_py()
        data: bytes | None = value["bytes"] if isinstance(value, dict) else value
        return data or b""


def _from_audiofolder(card: Card, source: LocalSource, folder: Path) -> list[Entry]:
    tables = _metadata(folder, source.splits)
    if tables:
        return _from_metadata(card, source, folder, tables)
    # As `datasets` has it: the folder's name is the column `label`.
    audio = audio_column(source)
    paths = _of_splits(folder, sounds_in(folder), source.splits)
    reader = Reader(source, [audio, FILE_NAME, "label"], f"The `audiofolder` {folder}")
    rows = [{FILE_NAME: path, "label": PurePosixPath(path).parent.name} for path in paths]
    sounds = [Sound(path, folder / path) for path in paths]
    return entries_of(card, source, reader, rows, sounds, folder)


def _from_metadata(card: Card, source: LocalSource, folder: Path, paths: list[str]) -> list[Entry]:
    rows: Rows = []
    sounds: list[Sound] = []
    for path in paths:
        table = read_table(folder / path)
        reader = Reader(
            source, [*table.columns, audio_column(source)], f"The table {folder / path}"
        )
        reader.require(FILE_NAME)
        said = [str(row[FILE_NAME] or "") for row in table.rows]
        rows += table.rows
        sounds += map(Sound, said, find(said, (folder / path).parent, folder))
    return entries_of(card, source, reader, rows, sounds, folder)


def _locate(folder: Path) -> Locate:
    return lambda said: find(said, folder, folder)


def _metadata(folder: Path, splits: list[str] | None) -> list[str]:
    found = [path for path in files_in(folder) if PurePosixPath(path).name in METADATA]
    return _of_splits(folder, found, splits)


def _parts(folder: Path, splits: list[str] | None) -> list[str]:
    found = [path for path in files_in(folder) if path.endswith(".parquet")]
    return _of_splits(folder, found, splits)


def _of_splits(folder: Path, paths: list[str], splits: list[str] | None) -> list[str]:
    """The files of some splits, which their names or folders tell, as on the hub."""
    if splits is None:
        return paths
    chosen = {
        split: [path for path in paths if re.search(rf"(^|[/._-]){re.escape(split)}[/._-]", path)]
        for split in splits
    }
    # Where nothing names a split, all is for training.
    if splits == ["train"] and not chosen["train"]:
        return paths
    _check_splits(folder, splits, [split for split, found in chosen.items() if found])
    return list(dict.fromkeys(path for found in chosen.values() for path in found))


def _check_splits(folder: Path, splits: Iterable[str] | None, known: Sequence[str]) -> None:
    for split in splits or ():
        if split not in known:
            raise UserError(
                f"The data set {folder} has no split '{shown(split, 80)}'. "
                f"Of those that the card names, it has {', '.join(known) or 'none'}."
            )


_FORMS: dict[str, Callable[[Card, LocalSource, Path], list[Entry]]] = {
    "saved": _from_saved,
    "parquet": _from_parquet,
    "audiofolder": _from_audiofolder,
}
