"""Which of a card's sources is used: a local folder, the Hugging Face hub, or the synthesiser."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ser_unlearn.data.cards import Card
from ser_unlearn.data.folders import files_in, scan
from ser_unlearn.data.hub import from_hub
from ser_unlearn.data.labels import Entry
from ser_unlearn.data.local import form_of, from_local
from ser_unlearn.data.origins import FolderSource, HubSource, LocalSource, Source
from ser_unlearn.data.patterns import matcher
from ser_unlearn.errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset


def choose_source(card: Card, data_dir: Path | None) -> Source:
    """The source that fits: of those that read a folder the first that knows it, or another.

    A data set on the hub may also lie in the folder, as a copy.

    Raises:
        UserError: if the card has none that fits.
    """
    reading = [each for each in card.sources if isinstance(each, FolderSource | LocalSource)]
    if data_dir is not None:
        candidates = [*reading, *_copies(card)]
        if not candidates:
            raise UserError(
                f"The corpus '{card.name}' has no folder source. Leave --data-dir out, "
                f"or add a source of kind 'folder' to its card."
            )
        if len(candidates) == 1:
            return candidates[0]
        return next((each for each in candidates if _knows(each, data_dir)), candidates[0])
    other = next((each for each in card.sources if each not in reading), None)
    if other is None:
        raise UserError(
            f"The corpus '{card.name}' is read from a local folder. Say where: --data-dir FOLDER."
        )
    return other


def folder_of(card: Card, data_dir: Path | None) -> Path | None:
    """The folder of a corpus: `data_dir`, or the one in it that has the corpus's name.

    None if the corpus is not read from one.
    """
    if data_dir is None:
        return None
    own = data_dir / card.name
    folder = own if own.is_dir() else data_dir
    if any(isinstance(each, FolderSource | LocalSource) for each in card.sources):
        return folder.resolve()
    # The folder may be another corpus's.
    has_copy = bool(_copies(card)) and (own.is_dir() or _holds_data_set(folder))
    return folder.resolve() if has_copy else None


def read(card: Card, source: Source, data_dir: Path | None) -> list[Entry]:
    """The recordings of a source that are not synthesised.

    Raises:
        UserError: if there is none, or something about one is wrong.
    """
    if isinstance(source, HubSource):
        return from_hub(card, source)
    assert data_dir is not None
    if isinstance(source, LocalSource):
        return from_local(card, source, data_dir)
    assert isinstance(source, FolderSource)
    return scan(card, source, data_dir)


def _copies(card: Card) -> list[LocalSource]:
    """Data sets on the hub, as they are read from a copy in a folder."""
    return [
        LocalSource(
            kind="local",
            split=each.split,
            columns=each.columns,
            extract=each.extract,
            codes=each.codes,
        )
        for each in card.sources
        if isinstance(each, HubSource)
    ]


def _knows(source: FolderSource | LocalSource, folder: Path) -> bool:
    """Whether a folder holds what a source reads."""
    if isinstance(source, LocalSource):
        return _holds_data_set(folder)
    if source.table is not None:
        return (folder / source.table.file).is_file()
    if source.path_pattern is not None:
        return any(map(matcher(source.path_pattern), files_in(folder)))
    assert source.pattern is not None
    match = matcher(source.pattern)
    return any(match(PurePosixPath(path).name) for path in files_in(folder))


def _holds_data_set(folder: Path) -> bool:
    """Whether a folder holds a data set in files of its own, and not recordings alone."""
    return form_of(folder) in ("saved", "parquet")


def as_dataset(entries: list[Entry], audio: list[dict[str, Any]]) -> Dataset:
    """A `Dataset` of recordings: audio (a path, or bytes; not decoded) and labels."""
    import pyarrow as pa

    from datasets import Audio, Dataset

    sound = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table(
        {
            "audio": pa.array(audio, sound),
            "emotion": [entry.emotion for entry in entries],
            "speaker": [entry.speaker for entry in entries],
            "statement": [entry.statement for entry in entries],
        }
    )
    # From Arrow and cast: `datasets` encodes Python rows of audio with torchcodec and FFmpeg.
    return Dataset(table).cast_column("audio", Audio(decode=False))
