"""Cards that are wrong, or meant to do harm: one line, no memory, no time."""

import re
from pathlib import Path

import pytest
import yaml
from mutations import survive

from ser_unlearn.data import cards
from ser_unlearn.data.cards import CARDS, load_card, parse_card
from ser_unlearn.errors import UserError

GOOD = (CARDS / "emodb.yaml").read_text()


def refusal_of(text):
    with pytest.raises(UserError) as refusal:
        parse_card(text, Path("emodb.yaml"))
    message = str(refusal.value)
    assert message.isprintable()
    assert len(message) <= 600
    assert "emodb.yaml" in message
    return message


def changed(**changes):
    return yaml.safe_dump(yaml.safe_load(GOOD) | changes)


def folder(**changes):
    source = {"kind": "folder", "pattern": "(?P<emotion>.)(?P<speaker>.).wav"}
    return changed(sources=[source | changes])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + "name: emodb\n", "'name' stands there twice"),
        (GOOD + "more: &a [x]\nagain: [*a, *a]\n", "alias"),
        (GOOD + "more: !!python/name:os.system\n", "tag"),
        (GOOD + "split: {heldout: .nan}\n", "nan"),
        (GOOD + "split: {test_speakers: .inf}\n", "inf"),
        (GOOD + "split: {validation: 0.5, heldout: 0.5}\n", "nothing to train on"),
        (GOOD + "split: {seed: " + "9" * 400 + "}\n", "more than 18 digits"),
        (changed(name="../emodb"), "slash"),
        (changed(emotions=["angry", "a/b"]), "emotions.1: 'a/b' holds a slash"),
        (changed(emotions=["angry", "x" * 201]), "emotions.1: .* longer than 200 bytes"),
        (changed(emotions=["angry", "\x1b[31m"]), r"emotions.1: '\\x1b\[31m' holds"),
        (changed(genders={"a\\b": "male"}), "backslash"),
        (changed(split={"test_speakers": [".."]}), "names a folder's place"),
        (folder(codes={"emotion": {"x": "a\nb"}}), "control character"),
        (folder(codes={"speaker": {"x": ""}}), "is empty"),
        (folder(pattern="(" * 500), "not a regular expression"),
        (folder(pattern="x" * 1001), "longer than 1000 characters"),
    ],
)
def test_a_bad_card_is_refused_in_one_line(text, words):
    assert re.search(words, refusal_of(text))


def test_mutations_of_a_card_are_taken_or_refused():
    survive(GOOD, lambda text: parse_card(text, Path("emodb.yaml")))


def test_a_card_that_cannot_be_read_is_refused_by_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "CARDS", tmp_path)
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    (tmp_path / "latin.yaml").write_bytes("title: Müller".encode("latin-1"))
    (tmp_path / "large.yaml").write_bytes(b"#" * 1024 * 1024)
    for name in ("folder", "endless", "latin", "large"):
        with pytest.raises(UserError, match=f"{name}.yaml cannot be read: it is .*Replace it"):
            load_card(name)
