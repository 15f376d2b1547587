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
from ser_unlearn.data.audio import decode, encode_wav
from ser_unlearn.data.cards import Card
from ser_unlearn.data.counts import check_counts
from ser_unlearn.data.folders import sounds_in
from ser_unlearn.data.labels import Entry, below, check_names, name_of, unreadable
from ser_unlearn.data.local import containers
from ser_unlearn.data.origins import FolderSource, LocalSource
from ser_unlearn.data.sources import as_dataset, choose_source, read
from ser_unlearn.data.voices import Synthesis
from ser_unlearn.results.identity import digest, file_digest
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
        self._data_dir = data_dir
        if isinstance(self._source, FolderSource | LocalSource):
            # Now, and not when the work has begun.
            _ = self.entries

    @cached_property
    def entries(self) -> list[Entry]:
        """Every recording that the source knows, with its labels; none if it is synthesised.

        Raises:
            UserError: if the hub cannot be reached, or something about a recording is wrong.
        """
        if isinstance(self._source, Synthesis):
            return []
        return read(self.card, self._source, self._data_dir)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that determines the recordings and their labels, without decoding them."""
        identity: dict[str, Any] = {"card": self.card.digest, "source": self._source.kind}
        if isinstance(self._source, FolderSource | LocalSource):
            files = {entry.name: _digest_of(entry.path) for entry in self.entries if entry.path}
            identity["files"] = digest(files)
            # Where names do not say it all, files may stay the same while labels change.
            if isinstance(self._source, LocalSource) or self._source.pattern is None:
                identity["labels"] = digest({entry.name: entry.labels for entry in self.entries})
        if isinstance(self._source, LocalSource) and self._data_dir:
            # Recordings may be in these files themselves.
            parts = {path: _digest_of(self._data_dir / path) for path in containers(self._data_dir)}
            identity["parts"] = digest(parts)
        if isinstance(self._source, Synthesis):
            identity["synthesis"] = espeak.identity()
        return identity

    @cached_property
    def dataset(self) -> Dataset:
        """The recordings as a Hugging Face `Dataset`: audio (not decoded), emotion, speaker, ...

        Raises:
            UserError: if the hub cannot be reached.
        """
        if isinstance(self._source, Synthesis):
            return self._synthesised()
        rows = [
            {"path": str(entry.path), "bytes": None}
            if entry.path
            else {"path": f"{entry.name}.wav", "bytes": entry.read()}
            for entry in self.entries
        ]
        return as_dataset(self.entries, rows)

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
        return without_copies([Utterance(**row) for row in artefact.meta["utterances"]])

    def recordings(self) -> Iterator[tuple[str, NDArray[np.float32], int]]:
        """Decode every recording: its name, samples [T] in -1..1, and sampling rate in Hz."""
        for name, data in self._contents():
            yield (name, *decode(data, name))

    def unmatched(self) -> list[str]:
        """Files in the folder that look like recordings and are none of the corpus, by name."""
        if self._data_dir is None or isinstance(self._source, Synthesis):
            return []
        left_out = set(self.card.faults.exclude)
        known = {below(entry.path, self._data_dir) for entry in self.entries if entry.path}
        found = [path for path in sounds_in(self._data_dir) if name_of(path) not in left_out]
        return [path for path in found if path not in known]

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """The name and the bytes of every recording."""
        if isinstance(self._source, Synthesis):
            for row in self.dataset:
                yield name_of(row["audio"]["path"]), row["audio"]["bytes"]
        else:
            # Without a `Dataset`, which takes a second to import.
            yield from ((entry.name, entry.read()) for entry in self.entries)

    def _labels(self) -> list[dict[str, str]]:
        """Emotion, speaker and statement of every recording, in the same order."""
        if isinstance(self._source, Synthesis):
            labels: list[dict[str, str]] = self.dataset.remove_columns("audio").to_list()
            return labels
        return [entry.labels for entry in self.entries]

    def _make_table(self) -> Artefact:
        rows: list[dict[str, Any]] = []
        for label, (name, samples, rate) in zip(self._labels(), self.recordings(), strict=True):
            content = hashlib.sha256(samples.tobytes()).hexdigest()
            duration = round(len(samples) / rate, 4)
            rows.append({"name": name, **label, "content": content, "duration_s": duration})
        rows.sort(key=lambda row: row["name"])
        check_names(row["name"] for row in rows)
        check_counts(self.card, [row["speaker"] for row in rows], self.unmatched())
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
        raise unreadable(path, error.strerror) from error


def without_copies(utterances: list[Utterance]) -> list[Utterance]:
    """The first of all recordings that are the same; none of those whose labels disagree."""
    groups: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        groups.setdefault(utterance.content, []).append(utterance)
    return [
        copies[0]
        for copies in groups.values()
        if len({(copy.emotion, copy.speaker) for copy in copies}) == 1
    ]
