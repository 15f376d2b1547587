"""Reading: every fault of a file is one line, and none takes memory or time."""

import os
import time
from pathlib import Path

import pytest

from ser_unlearn.data.cards import CARDS
from ser_unlearn.results.reading import (
    UnreadableError,
    canonical_yaml,
    parse_json,
    parse_yaml,
    read_bytes,
    read_text,
)

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


def fault_of(read, *arguments):
    start = time.process_time()
    with pytest.raises(UnreadableError) as refusal:
        read(*arguments)
    assert time.process_time() - start < 5
    message = str(refusal.value)
    assert message.isprintable()
    assert len(message) <= 300
    return message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "line 2: it uses an alias"),
        ("a: &a [*a]", "alias"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: it has a tag"),
        ("a: !!int ''", "tag"),
        ("a: !!timestamp x", "tag"),
        ("[" * 100_000, "deeper than 40"),
        ("{" * 5_000, "deeper than 40"),
        ("- " * 3_000, "deeper than 40"),
        ("a: .nan", "nan, which is no number"),
        ("a: [1, -.inf]", "inf, which is no number"),
        ("a: 1.0e+999", "inf, which is no number"),
        ("a: 1\nb: 2\na: 3", "the key 'a' stands there twice"),
        ("a: {b: 1, b: 1}", "the key 'b' stands there twice"),
        ("1: a\n01: b", "two keys mean the same"),
        ("[1, 2]", "no mapping"),
        ("just text", "no mapping"),
        ("", "no mapping"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: 2001-99-99", "cannot be read"),
        ("a: 0b_", "cannot be read"),
        ("a: " + "1" * 5_000, "cannot be read"),
        ("a: " + "1" * 400, "more than 18 digits"),
        ('a: "\\ud800"', "half a character"),
        ("a: \x1b[31m", "special characters"),
        ("a: [", "line 1"),
        ("? [1]\n: 2", "unhashable"),
    ],
)
def test_bad_yaml_is_refused_with_what_is_wrong(text, words):
    assert words in fault_of(parse_yaml, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "deeper than 40"),
        ('{"a":' * 100 + "1" + "}" * 100, "deeper than 40"),
        ('{"a": NaN}', "NaN, which is no number"),
        ('{"a": -Infinity}', "-Infinity, which is no number"),
        ('{"a": 1e999}', "inf, which is no number"),
        ('{"a": 1, "a": 2}', "the key 'a' stands there twice"),
        ('{"a": {"b": 1, "b": 1}}', "the key 'b' stands there twice"),
        ("[1]", "no mapping"),
        ("null", "no mapping"),
        ("", "not JSON"),
        ('{"a": 1', "not JSON"),
        ('{"a": "\x00"}', "not JSON"),
        ('{"a": "\\ud800"}', "half a character"),
        ('{"\\udfff": 1}', "half a character"),
        ('{"a": ' + "1" * 5_000 + "}", "not JSON"),
        ('{"a": ' + "1" * 400 + "}", "more than 18 digits"),
    ],
)
def test_bad_json_is_refused_with_what_is_wrong(text, words):
    assert words in fault_of(parse_json, text)


def test_good_texts_are_read():
    assert parse_yaml("a: [1, 2.5, x]\nb: {c: true}\nd: &d e") == {
        "a": [1, 2.5, "x"],
        "b": {"c": True},
        "d": "e",
    }
    assert parse_json('{"a": [1, 2.5, null], "b": {"c": true}}') == {
        "a": [1, 2.5, None],
        "b": {"c": True},
    }


def test_every_card_has_room_to_grow():
    for path in CARDS.glob("*.yaml"):
        parse_yaml(path.read_text() + "# more\n" * 5_000)


def test_recipes_may_have_tags_and_aliases_and_their_bombs_do_not_go_off():
    text = canonical_yaml("a: &a !new:torch.nn.Linear [1, 2]\nb: *a")
    assert canonical_yaml(f"# a comment\n{text}") == text
    assert len(canonical_yaml(BOMB)) < 2 * len(BOMB)
    assert "deeper than 40" in fault_of(canonical_yaml, "[" * 100_000)
    assert "no mapping" in fault_of(canonical_yaml, "")
    assert "line 1" in fault_of(canonical_yaml, "a: [")


def test_what_is_not_an_ordinary_file_is_refused_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link", Path("/dev/zero")):
        assert fault_of(read_bytes, path, 100) == "it is not an ordinary file"
    for path in (
        tmp_path / "nowhere",
        tmp_path / "loop",
        tmp_path / "a\0b",
        tmp_path / ("x" * 300),
    ):
        assert fault_of(read_bytes, path, 100)


def test_a_file_is_read_up_to_its_limit_only(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * 100)
    assert read_bytes(path, 100) == b"x" * 100
    with path.open("r+b") as stream:
        stream.truncate(2**40)  # takes no room on the disk
    assert "larger than 100 bytes" in fault_of(read_bytes, path, 100)


def test_text_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"ab\xff")
    assert fault_of(read_text, path, 100) == "it is not UTF-8 at byte 2"
