"""Where recordings come from: a local folder, the Hugging Face hub, or the synthesiser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_unlearn.data.cards import Card, FolderSource, HubSource, Source
from ser_unlearn.data.patterns import matcher
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import check_name, shown

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Entry:
    """A recording with its labels; `path` where it is a file."""

    name: str
    emotion: str
    speaker: str
    statement: str
    path: Path | None = None


def choose_source(card: Card, data_dir: Path | None) -> Source:
    """The source that fits: the folder if one is given, else the first of the others.

    Raises:
        UserError: if the card has none that fits.
    """
    folder = next((each for each in card.sources if isinstance(each, FolderSource)), None)
    if data_dir is not None:
        if folder is None:
            raise UserError(
                f"The corpus '{card.name}' has no folder source. Leave --data-dir out, "
                f"or add a source of kind 'folder' to its card."
            )
        return folder
    other = next((each for each in card.sources if not isinstance(each, FolderSource)), None)
    if other is None:
        raise UserError(
            f"The corpus '{card.name}' is read from a local folder. Say where: --data-dir FOLDER."
        )
    return other


def scan(card: Card, source: FolderSource, data_dir: Path) -> list[Entry]:
    """The recordings in a folder whose names match the card's pattern, by name.

    Raises:
        UserError: if there is none, a name stands twice, a label is unknown to the card or cannot
            be one, or the pattern takes too long.
    """
    match_name = matcher(source.pattern)
    entries: list[Entry] = []
    for path in sorted(data_dir.rglob("*"), key=lambda path: (path.stem, str(path))):
        match = match_name(path.name)
        if match is None or path.stem in card.faults.exclude or not path.is_file():
            continue
        labels = {
            group: _translate(source.codes, group, code, path.name)
            for group, code in match.groupdict().items()
            if code is not None
        }
        emotion, speaker = labels.get("emotion", ""), labels.get("speaker", "")
        _check_emotion(card, emotion, path.name)
        entries.append(Entry(path.stem, emotion, speaker, labels.get("statement", ""), path))
        _check_labels(entries[-1])
    if not entries:
        raise UserError(
            f"No file in {data_dir} has a name that the card '{card.name}' knows "
            f"(pattern {source.pattern}). Give the folder that holds the recordings."
        )
    check_names(entry.name for entry in entries)
    return entries


def from_hub(card: Card, source: HubSource) -> Dataset:
    """The recordings of a data set on the hub.

    Raises:
        UserError: if the hub cannot be reached, or a label is unknown to the card.
    """
    from huggingface_hub.utils import logging

    from datasets import Audio, load_dataset

    # It reports every attempt to connect; one error at the end is enough.
    logging.set_verbosity_error()
    try:
        dataset = load_dataset(source.id, revision=source.revision, split=source.split)
    # The library's errors for a hub that is out of reach are many, and change with its version.
    except Exception as error:
        folder = any(isinstance(each, FolderSource) for each in card.sources)
        raise UserError(
            f"The corpus '{card.name}' could not be read from the hub: {source.id} "
            f"({type(error).__name__}).\n"
            + (
                "Connect to the network, or give a folder with the recordings: --data-dir FOLDER."
                if folder
                else "Connect to the network and try again."
            )
        ) from error
    audio = _check_columns(card, source, dataset.column_names)
    dataset = dataset.cast_column(audio, Audio(decode=False))
    labels = dataset.remove_columns(audio)
    features = labels.features
    entries = []
    rows = []
    for number, (row, sound) in enumerate(zip(labels, dataset[audio], strict=True)):
        name = name_of(sound["path"]) if sound["path"] else f"{number:05d}"
        if name in card.faults.exclude:
            continue
        texts = {}
        for field in ("emotion", "speaker", "statement"):
            columns = source.columns.get(field, [])
            columns = [columns] if isinstance(columns, str) else columns
            code = "-".join(_as_text(features[column], row[column]) for column in columns)
            texts[field] = _translate(source.codes, field, code, name)
        _check_emotion(card, texts["emotion"], name)
        entries.append(Entry(name, texts["emotion"], texts["speaker"], texts["statement"]))
        _check_labels(entries[-1])
        rows.append({"path": f"{name}.wav", "bytes": sound["bytes"]})
    return as_dataset(entries, rows)


def _as_text(feature: Any, value: Any) -> str:
    """A label as text: names for class labels, and no decimal point in whole numbers."""
    if hasattr(feature, "int2str"):
        return str(feature.int2str(value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


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


def name_of(path: str) -> str:
    """A recording's name: its file's, without folder and ending."""
    return Path(path).stem


def _translate(codes: dict[str, dict[str, str]], field: str, code: str, name: str) -> str:
    if field not in codes:
        return code
    if code not in codes[field]:
        raise UserError(
            f"'{name}' has the {field} code '{code}', which the card does not know. "
            f"Add it to the card's `codes`, or list the file under `faults.exclude`."
        )
    return codes[field][code]


def _check_labels(entry: Entry) -> None:
    check_name("recording", entry.name)
    check_name(f"speaker of '{entry.name}',", entry.speaker)
    if entry.statement:
        check_name(f"statement of '{entry.name}',", entry.statement)


def _check_columns(card: Card, source: HubSource, known: Iterable[str]) -> str:
    """Refuse columns that are not there; the one with the recordings comes back."""
    audio = source.columns.get("audio", "audio")
    if not isinstance(audio, str):
        raise UserError(f"The card '{card.name}' has several columns for audio. Name one.")
    wanted = [audio]
    for columns in source.columns.values():
        wanted += [columns] if isinstance(columns, str) else columns
    missing = sorted(set(wanted) - set(known))
    if missing:
        raise UserError(
            f"The data set {source.id} has no column '{shown(missing[0], 80)}', which the card "
            f"'{card.name}' names. It has {shown(', '.join(known), 200)}."
        )
    return audio


def _check_emotion(card: Card, emotion: str, name: str) -> None:
    if emotion not in card.emotions:
        raise UserError(
            f"'{name}' has the emotion '{emotion}', which the card '{card.name}' does not list. "
            f"Known: {', '.join(card.emotions)}."
        )


def check_names(names: Iterable[str]) -> None:
    """Refuse names that stand more than once."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"There is more than one file called {twice[0]}. Keep one of each name.")
