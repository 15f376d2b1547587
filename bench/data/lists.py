"""Lists of recordings to forget: names in a file, one a line; the store keeps what they name.

What is to be forgotten is known by a hash of the names, not by the file: so every process, on
whatever machine, finds the list in the store, and a record says which one it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ser_unlearn.errors import LackingError, UserError
from ser_unlearn.results.identity import digest
from ser_unlearn.results.names import shown
from ser_unlearn.results.reading import LONGEST_JSON, UnreadableError, read_text
from ser_unlearn.results.store import Artefact, Store

LISTS = "lists"
"""The store's kind of lists."""

KIND = "list"
"""What the name of a scenario begins with that takes one."""

MOST_NAMED = 5
"""Names that a message repeats."""

_KEPT = re.compile("[0-9a-f]{16}")


def key_of(argument: str) -> str:
    """What the list is known by that a scenario names: by its file, or already by its hash.

    Raises:
        UserError: if the file cannot be read, or names nothing.
    """
    return argument if _KEPT.fullmatch(argument) else _key(_names(Path(argument)))


def take(scenario: str, store: Store) -> str:
    """Keep the list that a scenario names, if it names one.

    Args:
        scenario: such as "list:names.txt"; one of another kind is left as it is.
        store: where lists are kept.

    Returns:
        The scenario, by the list's hash.

    Raises:
        UserError: as `key_of` does.
    """
    kind, _, argument = scenario.partition(":")
    if kind != KIND or not argument or _KEPT.fullmatch(argument):
        return scenario
    names = _names(Path(argument))
    key = _key(names)
    store.fetch(LISTS, {"list": key}, lambda: Artefact(meta={"names": names}))
    return f"{KIND}:{key}"


def kept(key: str, store: Store) -> list[str]:
    """The names of a list that the store keeps.

    Raises:
        LackingError: if it does not.
    """

    def lacking() -> Artefact:
        raise LackingError(
            f"The store does not have the list {shown(key, 80)} of recordings to forget. "
            "Name its file: list:FILE."
        )

    names: list[str] = store.fetch(LISTS, {"list": key}, lacking).meta["names"]
    return names


def in_words(names: Sequence[str]) -> str:
    """Names as a message repeats them: the first few."""
    more = len(names) - MOST_NAMED
    listed = ", ".join(shown(name, 80) for name in names[:MOST_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed


def _names(path: Path) -> list[str]:
    """The names in a file, each once, sorted."""
    try:
        text = read_text(path, LONGEST_JSON)
    except UnreadableError as error:
        raise UserError(
            f"The list {shown(str(path), 200)} cannot be read: {error}. "
            "Name a text file with the name of a recording on each line."
        ) from error
    names = sorted({line.strip() for line in text.removeprefix("\ufeff").splitlines()} - {""})
    if not names:
        raise UserError(
            f"The list {shown(str(path), 200)} names nothing. "
            "Write the name of a recording on each line."
        )
    return names


def _key(names: list[str]) -> str:
    return digest({"names": names})[:16]
