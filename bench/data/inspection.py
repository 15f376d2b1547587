"""What a corpus holds, all faults together: for whoever writes its card."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ser_unlearn.data.audio import decode, trim_silence
from ser_unlearn.data.cards import Card
from ser_unlearn.data.corpus import Corpus, Utterance, without_copies
from ser_unlearn.data.counts import check_counts, gender_faults
from ser_unlearn.data.labels import Entry, LabelError
from ser_unlearn.data.splits import Split, split
from ser_unlearn.data.voices import Synthesis
from ser_unlearn.errors import UserError
from ser_unlearn.results.store import Store

SILENT_DB = -60.0
"""A recording whose loudest 25 ms are below this (dB of full scale) holds no speech."""

SILENCE_DB = 40.0
"""Ends that much below the loudest 25 ms are silence, as in the project's recipes."""


@dataclass
class Inspection:
    """What was found of a corpus."""

    card: Card
    utterances: list[Utterance] = field(default_factory=list)
    """Every recording that can be read, copies among them."""
    rates: Counter[int] = field(default_factory=Counter)
    """How many recordings have a sampling rate (Hz)."""
    silence: list[float] = field(default_factory=list)
    """The share of each recording that is silence at its ends."""
    silent: list[str] = field(default_factory=list)
    """Recordings that hold no speech."""
    unmatched: list[str] = field(default_factory=list)
    """Files that look like recordings and are none of the corpus."""
    split: Split | None = None
    """Of the utterances without copies, if it can be made."""
    used: list[Utterance] = field(default_factory=list)
    """Those utterances."""
    faults: list[str] = field(default_factory=list)
    """A line for everything that a run would refuse."""

    @property
    def copies(self) -> list[list[Utterance]]:
        """Recordings that are the same sample by sample."""
        groups: dict[str, list[Utterance]] = {}
        for each in self.utterances:
            groups.setdefault(each.content, []).append(each)
        return [group for group in groups.values() if len(group) > 1]

    @property
    def strangers(self) -> list[str]:
        """Speakers to whom the card gives a gender, and who do not speak."""
        return sorted(set(self.card.genders) - {each.speaker for each in self.utterances})


def inspect(card: Card, store: Store, data_dir: Path | None) -> Inspection:
    """Look at all recordings of a corpus, and go on where a run would stop.

    Args:
        card: the corpus's card.
        store: where nothing is written.
        data_dir: a folder with the recordings, or None for the card's other sources.

    Raises:
        UserError: if there are no recordings to look at.
    """
    found = Inspection(card)
    if all(isinstance(source, Synthesis) for source in card.sources):
        raise UserError(f"The corpus '{card.name}' is synthesised. There is nothing to look at.")
    try:
        corpus = Corpus(card, store, data_dir)
        entries = corpus.entries
    except LabelError as error:
        found.faults += error.faults
        return found
    for entry in entries:
        try:
            _listen(entry, found)
        except UserError as error:
            found.faults.append(str(error))
    found.unmatched = corpus.unmatched()
    _compare(found, [entry.speaker for entry in entries])
    return found


def _listen(entry: Entry, found: Inspection) -> None:
    samples, rate = decode(entry.read(), entry.name)
    content = hashlib.sha256(samples.tobytes()).hexdigest()
    duration = round(len(samples) / rate, 4)
    found.utterances.append(
        Utterance(entry.name, **entry.labels, content=content, duration_s=duration)
    )
    found.rates[rate] += 1
    trimmed = trim_silence(samples, rate, SILENCE_DB)
    found.silence.append(1 - len(trimmed) / len(samples))
    window = round(0.025 * rate)
    whole = samples[: len(samples) // window * window].reshape(-1, window)
    if np.square(whole, dtype=np.float64).mean(1).max() < 10 ** (SILENT_DB / 10):
        found.silent.append(entry.name)


def _compare(found: Inspection, speakers: list[str]) -> None:
    card = found.card
    try:
        check_counts(card.model_copy(update={"genders": {}}), speakers, found.unmatched)
    except UserError as error:
        found.faults.append(str(error))
    found.faults += gender_faults(card, speakers)
    found.used = without_copies(found.utterances)
    try:
        found.split = split(found.used, card.split, dict(card.genders))
    except UserError as error:
        found.faults.append(str(error))
