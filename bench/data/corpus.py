"""Corpora: cards, and the recordings that they describe.

Whatever the source, a corpus ends in one Hugging Face `Dataset` with the columns audio, emotion,
speaker and statement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_unlearn.data import espeak
from ser_unlearn.data.audio import LONGEST_FILE, decode, encode_wav
from ser_unlearn.data.cards import Card, FolderSource, HubSource
from ser_unlearn.data.sources import (
    Entry,
    as_dataset,
    check_names,
    choose_source,
    from_hub,
    name_of,
    scan,
)
from ser_unlearn.data.voices import Synthesis
from ser_unlearn.errors import UserError
from ser_unlearn.results.identity import digest, file_digest
from ser_unlearn.results.reading import UnreadableError, read_bytes
from ser_unlearn.results.revisions import revisions
from ser_unlearn.results.store import Artefact, Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datasets import Dataset


@dataclass(frozen=True)
class Utterance:
    """What is known of one recording without listening to it again."""

    name: str
    emotion: str
    speaker: str
    statement: str
    content: str
    """Hash of the decoded samples: two copies of one recording share it."""
    duration_s: float


class Corpus:
    """The recordings that a card describes, from the source that is at hand.

    Args:
        card: the corpus's card.
        store: where decoded and synthesised material is kept.
        data_dir: a folder with the recordings; without it, the card's other sources are used.

    Raises:
        UserError: if the folder holds no matching file, or labels that the card does not know.
    """

    def __init__(self, card: Card, store: Store, data_dir: Path | None = None) -> None:
        self.card = card
        self._store = store
        self._source = choose_source(card, data_dir)
        self._files: list[Entry] = []
        if isinstance(self._source, FolderSource):
            assert data_dir is not None
            self._files = scan(card, self._source, data_dir)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that determines the recordings and their labels, without decoding them."""
        identity: dict[str, Any] = {"card": self.card.digest, "source": self._source.kind}
        if isinstance(self._source, FolderSource):
            files = {file.name: _digest_of(file.path) for file in self._files if file.path}
            identity["files"] = digest(files)
        if isinstance(self._source, Synthesis):
            identity["synthesis"] = espeak.identity()
        return identity

    @cached_property
    def dataset(self) -> Dataset:
        """The recordings as a Hugging Face `Dataset`: audio (not decoded), emotion, speaker, ...

        Raises:
            UserError: if the hub cannot be reached.
        """
        if isinstance(self._source, HubSource):
            return from_hub(self.card, self._source)
        if isinstance(self._source, FolderSource):
            rows = [{"path": str(file.path), "bytes": None} for file in self._files if file.path]
            return as_dataset(self._files, rows)
        return self._synthesised()

    @cached_property
    def utterances(self) -> list[Utterance]:
        """Every usable recording, in an order that depends on the names alone.

        Of several copies of one recording only the first is kept, so that no two can stand on
        different sides of a split; copies whose labels disagree are all left out.

        Raises:
            UserError: if a recording cannot be used, or the counts are not those of the card.
        """
        identity = {**self.identity, "revisions": revisions(["corpus"])}
        artefact = self._store.fetch("corpora", identity, self._make_table)
        return _without_copies([Utterance(**row) for row in artefact.meta["utterances"]])

    def recordings(self) -> Iterator[tuple[str, NDArray[np.float32], int]]:
        """Decode every recording: its name, samples [T] in -1..1, and sampling rate in Hz."""
        for name, data in self._contents():
            yield (name, *decode(data, name))

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """The name and the bytes of every recording."""
        if isinstance(self._source, FolderSource):
            # Without a `Dataset`, which takes a second to import.
            yield from ((file.name, _bytes_of(file.path)) for file in self._files if file.path)
        else:
            for row in self.dataset:
                yield name_of(row["audio"]["path"]), row["audio"]["bytes"]

    def _labels(self) -> list[dict[str, Any]]:
        """Emotion, speaker and statement of every recording, in the same order."""
        if isinstance(self._source, FolderSource):
            names = ("emotion", "speaker", "statement")
            return [{name: getattr(file, name) for name in names} for file in self._files]
        labels: list[dict[str, Any]] = self.dataset.remove_columns("audio").to_list()
        return labels

    def _make_table(self) -> Artefact:
        rows: list[dict[str, Any]] = []
        for label, (name, samples, rate) in zip(self._labels(), self.recordings(), strict=True):
            content = hashlib.sha256(samples.tobytes()).hexdigest()
            duration = round(len(samples) / rate, 4)
            rows.append({"name": name, **label, "content": content, "duration_s": duration})
        rows.sort(key=lambda row: row["name"])
        check_names(row["name"] for row in rows)
        _check_counts(self.card, rows)
        return Artefact(meta={"utterances": rows})

    def _synthesised(self) -> Dataset:
        """Synthesise once, and keep the samples in the store."""
        assert isinstance(self._source, Synthesis)
        source = self._source

        def make() -> Artefact:
            import torch

            spoken = list(espeak.synthesise(source))
            return Artefact(
                {"samples": torch.cat([torch.from_numpy(each.samples) for each in spoken])},
                {
                    "entries": [
                        [each.name, each.emotion, each.speaker, each.statement] for each in spoken
                    ],
                    "lengths": [len(each.samples) for each in spoken],
                },
            )

        artefact = self._store.fetch("speech", self.identity, make)
        entries = [Entry(*entry) for entry in artefact.meta["entries"]]
        parts = artefact.tensors["samples"].split(artefact.meta["lengths"])
        rows = [
            {"path": f"{entry.name}.wav", "bytes": encode_wav(part.numpy(), espeak.SAMPLE_RATE)}
            for entry, part in zip(entries, parts, strict=True)
        ]
        return as_dataset(entries, rows)


def _digest_of(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise _unreadable(path, error.strerror) from error


def _bytes_of(path: Path) -> bytes:
    try:
        return read_bytes(path, LONGEST_FILE)
    except UnreadableError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, fault: object) -> UserError:
    return UserError(
        f"The recording {path} cannot be read: {fault}. "
        "Replace the file, or list it in the card under `faults.exclude`."
    )


def _check_counts(card: Card, rows: list[dict[str, Any]]) -> None:
    speakers = len({row["speaker"] for row in rows})
    if (len(rows), speakers) != (card.utterances, card.speakers):
        raise UserError(
            f"The corpus '{card.name}' should have {card.utterances} utterances by "
            f"{card.speakers} speakers, but {len(rows)} by {speakers} were found. "
            "Complete the folder, or correct the card if the corpus really is different."
        )


def _without_copies(utterances: list[Utterance]) -> list[Utterance]:
    groups: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        groups.setdefault(utterance.content, []).append(utterance)
    return [
        copies[0]
        for copies in groups.values()
        if len({(copy.emotion, copy.speaker) for copy in copies}) == 1
    ]
