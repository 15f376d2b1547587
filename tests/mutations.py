"""Mutated texts: what typing errors, bad disks and ill will make of a good file."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from ser_unlearn.errors import UserError

COUNT = 500
LONGEST_MESSAGE = 600
PATIENCE_S = 5.0

SPECIAL = [
    "\0", "\t", "\r", "\n", "\x1b[31m", "\ufeff", "\u202e", "\ud800", "😀", "'", '"', "{", "}",
    "[", "]", ":", "- ", ",", "&a ", "*a", "!!python/name:os.system ", "!!int ''", "<<: ", "---\n",
    "%YAML 9\n", "? ", "| ", ".nan", ".inf", "1e999", "NaN", "-1", "9" * 400, "9" * 5000, "..",
    "/../../x", "\\", "null", "true", "2001-99-99", "0b_", "=", "\\ud800", "{" * 200, "[" * 2000,
]  # fmt: skip


def mutated(text: str, random: Random) -> str:
    """A text with one to four changes, as it looks once decoded."""
    for _ in range(random.randint(1, 4)):
        lines = text.splitlines(keepends=True)
        place, line = random.randrange(len(text) + 1), random.randrange(max(1, len(lines)))
        change = random.randrange(6)
        if change == 0 and text:
            place = min(place, len(text) - 1)
            flipped = chr((ord(text[place]) ^ 1 << random.randrange(8)) % 0x11_0000)
            text = text[:place] + flipped + text[place + 1 :]
        elif change == 1:
            text = "".join(lines[:line] + lines[line + 1 :])
        elif change == 2:
            text = "".join(lines[: line + 1] + lines[line:])
        elif change == 3 and lines:
            # A value alone.
            head, colon, _ = lines[line].partition(":")
            lines[line] = f"{head}{colon} {random.choice(SPECIAL)}\n"
            text = "".join(lines)
        elif change == 4:
            text = text[:place]
        else:
            text = text[:place] + random.choice(SPECIAL) + text[place:]
    return text


def survive(text: str, read: Callable[[str], Any]) -> None:
    """Read many mutations of a text: each is taken, or refused by one line within some seconds."""
    random = Random(0)
    refused = 0
    for _ in range(COUNT):
        found = mutated(text, random)
        start = time.process_time()
        try:
            read(found)
        except UserError as error:
            refused += 1
            message = str(error)
            assert message.isprintable(), repr(message)
            assert len(message) <= LONGEST_MESSAGE, message
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {error} on {found!r}")
        assert time.process_time() - start < PATIENCE_S, found
    assert COUNT // 4 < refused < COUNT
