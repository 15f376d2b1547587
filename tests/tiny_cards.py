"""The card of the tiny corpus that the fixture `ravdess_like` writes, and changes of it."""

from pathlib import Path

import yaml

from ser_unlearn.data.cards import parse_card

PATTERN = r"03-01-(?P<emotion>\d\d)-\d\d-(?P<statement>\d\d)-\d\d-(?P<speaker>\d\d)\.(wav|flac)"


def section(**changes):
    """The card of the corpus that the fixture `ravdess_like` writes, as a mapping."""
    return {
        "name": "tiny",
        "title": "A tiny corpus",
        "licence": "none",
        "citation": "nobody",
        "language": "en",
        "utterances": 24,  # 3 speakers, 2 emotions, 2 statements, 2 repetitions
        "speakers": 3,
        "emotions": ["neutral", "angry"],
        "sources": [folder_source()],
    } | changes


def folder_source(**changes):
    return {
        "kind": "folder",
        "pattern": PATTERN,
        "codes": {"emotion": {"01": "neutral", "05": "angry"}},
    } | changes


def hub_source(**changes):
    return {
        "kind": "hub",
        "id": "a/b",
        "revision": "0" * 40,
        "columns": {"emotion": "emotion", "speaker": "speaker"},
    } | changes


def card(**changes):
    return parse_card(yaml.safe_dump(section(**changes)), Path("tiny.yaml"))
