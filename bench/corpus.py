"""Corpora: cards, and the recordings that they describe.

Whatever the source, a corpus ends in one Hugging Face `Dataset` with the columns audio, emotion,
speaker and statement.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bench import espeak
from bench.audio import decode
from bench.errors import UserError, unknown_name
from bench.identity import digest, file_digest, module_digest
from bench.records import TUNING
from bench.store import Artefact, Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datasets import Dataset

_PROJECT = Path(__file__).resolve().parent.parent
# Beside the package in a checkout, inside it once installed from a wheel.
CARDS = next(
    (
        folder
        for folder in (_PROJECT / "datasets", Path(__file__).parent / "cards")
        if any(folder.glob("*.yaml"))
    ),
    _PROJECT / "datasets",
)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HubSource(_Model):
    """A data set on the Hugging Face hub, read through the `datasets` library."""

    kind: Literal["hub"]
    id: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    split: str = "train"
    columns: dict[Literal["audio", "emotion", "speaker", "statement"], str | list[str]]
    """Which column holds what; several columns are joined by a hyphen."""
    codes: dict[str, dict[str, str]] = {}


class FolderSource(_Model):
    """Files in a local folder, whose names say what they are."""

    kind: Literal["folder"]
    pattern: str
    """A regular expression over the file's name, with groups emotion, speaker and statement."""
    codes: dict[str, dict[str, str]] = {}

    @field_validator("pattern")
    @classmethod
    def _has_groups(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise ValueError(f"the pattern is not a regular expression: {error}") from error
        missing = {"emotion", "speaker"} - set(groups)
        if missing:
            raise ValueError(f"the pattern lacks the named groups {', '.join(sorted(missing))}")
        return pattern


Source = Annotated[HubSource | FolderSource | espeak.Synthesis, Field(discriminator="kind")]


class Faults(_Model):
    """What is known to be wrong with the recordings."""

    exclude: list[str] = []
    """Names of recordings to leave out."""
    notes: list[str] = []


class SplitRule(_Model):
    """How a corpus is divided; the shares are of the utterances of the training speakers."""

    seed: int = 0
    test_speakers: float | list[str] = 0.2
    """Share of the speakers, or the speakers themselves."""
    validation: float = Field(0.1, gt=0, lt=1)
    heldout: float = Field(0.2, gt=0, lt=1)


class Card(_Model):
    """What `datasets/<name>.yaml` says about a corpus."""

    name: str
    title: str
    licence: str
    citation: str
    language: str
    utterances: int = Field(gt=0)
    speakers: int = Field(gt=1)
    emotions: list[str] = Field(min_length=2)
    genders: dict[str, Literal["female", "male"]] = {}
    faults: Faults = Faults()
    split: SplitRule = SplitRule()
    sources: list[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _synthesis_knows_genders(self) -> Card:
        """A synthesised corpus gives each voice's gender itself."""
        for source in self.sources:
            if isinstance(source, espeak.Synthesis) and not self.genders:
                genders = {name: voice.gender for name, voice in source.speakers.items()}
                return self.model_copy(update={"genders": genders})
        return self

    @property
    def digest(self) -> str:
        """Hash of all that the card says, prose aside."""
        prose = {"title", "licence", "citation", "language"}
        return digest(
            self.model_dump(mode="json", exclude={*prose, "faults"})
            | {"exclude": self.faults.exclude}
        )


def card_names() -> list[str]:
    """The names of all corpora, sorted."""
    return sorted(path.stem for path in CARDS.glob("*.yaml"))


def load_card(name: str) -> Card:
    """Read and check `datasets/<name>.yaml`.

    Raises:
        UserError: if there is no such card, or it is not valid.
    """
    path = CARDS / f"{name}.yaml"
    if name not in card_names():
        raise unknown_name("corpus", name, card_names())
    return parse_card(path.read_text(encoding="utf-8"), path)


def parse_card(text: str, path: Path) -> Card:
    """Check the text of a card; `path` is what errors call it.

    Raises:
        UserError: if it is not YAML, or not a valid card.
    """
    try:
        card = Card.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise UserError(f"The card {path} is not valid. Mend this: {error}") from error
    if card.name != path.stem:
        raise UserError(f"The card {path} calls itself '{card.name}'. Rename one of the two.")
    if card.name == TUNING:
        raise UserError(
            f"The card {path} would put its records where the studies of tuning lie. Rename both."
        )
    return card


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


@dataclass(frozen=True)
class _Entry:
    name: str
    emotion: str
    speaker: str
    statement: str
    path: Path | None = None


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
        self._source = _choose_source(card, data_dir)
        self._files: list[_Entry] = []
        if isinstance(self._source, FolderSource):
            assert data_dir is not None
            self._files = _scan(card, self._source, data_dir)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that determines the recordings and their labels, without decoding them."""
        identity: dict[str, Any] = {"card": self.card.digest, "source": self._source.kind}
        if isinstance(self._source, FolderSource):
            files = {file.name: file_digest(file.path) for file in self._files if file.path}
            identity["files"] = digest(files)
        if isinstance(self._source, espeak.Synthesis):
            identity["synthesis"] = espeak.identity()
        return identity

    @cached_property
    def dataset(self) -> Dataset:
        """The recordings as a Hugging Face `Dataset`: audio (not decoded), emotion, speaker, ...

        Raises:
            UserError: if the hub cannot be reached.
        """
        if isinstance(self._source, HubSource):
            return _from_hub(self.card, self._source)
        if isinstance(self._source, FolderSource):
            rows = [{"path": str(file.path), "bytes": None} for file in self._files if file.path]
            return _as_dataset(self._files, rows)
        return self._synthesised()

    @cached_property
    def utterances(self) -> list[Utterance]:
        """Every usable recording, in an order that depends on the names alone.

        Of several copies of one recording only the first is kept, so that no two can stand on
        different sides of a split; copies whose labels disagree are all left out.

        Raises:
            UserError: if a recording cannot be used, or the counts are not those of the card.
        """
        identity = {**self.identity, "code": module_digest("bench.corpus", "bench.audio")}
        artefact = self._store.fetch("corpora", identity, self._make_table)
        return _without_copies([Utterance(**row) for row in artefact.meta["utterances"]])

    def recordings(self) -> Iterator[tuple[str, NDArray[np.float32], int]]:
        """Decode every recording: its name, samples [T] in -1..1, and sampling rate in Hz."""
        for row in self.dataset:
            name = _name_of(row["audio"]["path"])
            data = row["audio"]["bytes"]
            if data is None:
                data = Path(row["audio"]["path"]).read_bytes()
            yield (name, *decode(data, name))

    def _make_table(self) -> Artefact:
        rows: list[dict[str, Any]] = []
        labels = self.dataset.remove_columns("audio").to_list()
        for label, (name, samples, rate) in zip(labels, self.recordings(), strict=True):
            content = hashlib.sha256(samples.tobytes()).hexdigest()
            duration = round(len(samples) / rate, 4)
            rows.append({"name": name, **label, "content": content, "duration_s": duration})
        rows.sort(key=lambda row: row["name"])
        _check_names(row["name"] for row in rows)
        _check_counts(self.card, rows)
        return Artefact(meta={"utterances": rows})

    def _synthesised(self) -> Dataset:
        """Synthesise once, and keep the samples in the store."""
        assert isinstance(self._source, espeak.Synthesis)
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
        entries = [_Entry(*entry) for entry in artefact.meta["entries"]]
        parts = artefact.tensors["samples"].split(artefact.meta["lengths"])
        rows = [
            {"path": f"{entry.name}.wav", "bytes": _as_wav(part.numpy())}
            for entry, part in zip(entries, parts, strict=True)
        ]
        return _as_dataset(entries, rows)


def _choose_source(card: Card, data_dir: Path | None) -> Source:
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


def _scan(card: Card, source: FolderSource, data_dir: Path) -> list[_Entry]:
    pattern = re.compile(source.pattern)
    entries: list[_Entry] = []
    for path in sorted(data_dir.rglob("*"), key=lambda path: (path.stem, str(path))):
        match = pattern.fullmatch(path.name)
        if match is None or path.stem in card.faults.exclude or not path.is_file():
            continue
        labels = {
            group: _translate(source.codes, group, code, path.name)
            for group, code in match.groupdict().items()
            if code is not None
        }
        emotion, speaker = labels["emotion"], labels["speaker"]
        _check_emotion(card, emotion, path.name)
        entries.append(_Entry(path.stem, emotion, speaker, labels.get("statement", ""), path))
    if not entries:
        raise UserError(
            f"No file in {data_dir} has a name that the card '{card.name}' knows "
            f"(pattern {source.pattern}). Give the folder that holds the recordings."
        )
    _check_names(entry.name for entry in entries)
    return entries


def _from_hub(card: Card, source: HubSource) -> Dataset:
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
    audio = source.columns.get("audio", "audio")
    assert isinstance(audio, str)
    dataset = dataset.cast_column(audio, Audio(decode=False))
    labels = dataset.remove_columns(audio)
    features = labels.features
    entries = []
    rows = []
    for number, (row, sound) in enumerate(zip(labels, dataset[audio], strict=True)):
        name = _name_of(sound["path"]) if sound["path"] else f"{number:05d}"
        if name in card.faults.exclude:
            continue
        texts = {}
        for field in ("emotion", "speaker", "statement"):
            columns = source.columns.get(field, [])
            columns = [columns] if isinstance(columns, str) else columns
            code = "-".join(_as_text(features[column], row[column]) for column in columns)
            texts[field] = _translate(source.codes, field, code, name)
        _check_emotion(card, texts["emotion"], name)
        entries.append(_Entry(name, texts["emotion"], texts["speaker"], texts["statement"]))
        rows.append({"path": f"{name}.wav", "bytes": sound["bytes"]})
    return _as_dataset(entries, rows)


def _as_text(feature: Any, value: Any) -> str:
    """A label as text: names for class labels, and no decimal point in whole numbers."""
    if hasattr(feature, "int2str"):
        return str(feature.int2str(value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _as_dataset(entries: list[_Entry], audio: list[dict[str, Any]]) -> Dataset:
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


def _as_wav(samples: NDArray[np.int16]) -> bytes:
    import io

    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, samples, espeak.SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _name_of(path: str) -> str:
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


def _check_emotion(card: Card, emotion: str, name: str) -> None:
    if emotion not in card.emotions:
        raise UserError(
            f"'{name}' has the emotion '{emotion}', which the card '{card.name}' does not list. "
            f"Known: {', '.join(card.emotions)}."
        )


def _check_names(names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"There is more than one file called {twice[0]}. Keep one of each name.")


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
