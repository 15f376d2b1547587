"""Names: what may be a label or a part of a path, and how a text from outside is shown."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

from ser_unlearn.errors import UserError

LONGEST = 200
"""Bytes of UTF-8 in a part of a path; file systems end at 255, and temporary files add to it."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what steers a terminal or a reader's eye instead of being seen."""


def fault_of(name: str, *, in_path: bool = False) -> str | None:
    """What is wrong with a name, to follow upon it in a sentence; None if nothing is.

    Args:
        name: of a corpus, a row, an emotion, a speaker, a recording ...
        in_path: whether it becomes a part of a path, which must not be too long.
    """
    if not name or name.isspace():
        return "is empty"
    if name in (".", ".."):
        return "names a folder's place and not a thing"
    # Whatever Python takes for printable is seen.
    unseen = not name.isprintable() and any(map(_is_unseen, name))
    if unseen or "/" in name or "\\" in name:
        return "holds a slash, a backslash or a control character"
    if in_path and len(name.encode()) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return None


def check_name(kind: str, name: str, *, in_path: bool = False) -> str:
    """Refuse a name that cannot be a label or a part of a path.

    Args:
        kind: what the name stands for ("speaker", "row" ...).
        name: the name.
        in_path: whether it becomes a part of a path.

    Returns:
        The name.

    Raises:
        UserError: if it is empty, steps out of its folder, cannot be seen, or is too long.
    """
    fault = fault_of(name, in_path=in_path)
    if fault:
        raise UserError(f"The {kind} '{shown(name, 80)}' {fault}. Give it a plain, shorter name.")
    return name


def _label(name: str) -> str:
    return _valid(name, in_path=False)


def _part(name: str) -> str:
    return _valid(name, in_path=True)


def _valid(name: str, *, in_path: bool) -> str:
    fault = fault_of(name, in_path=in_path)
    if fault:
        raise ValueError(f"'{shown(name, 80)}' {fault}")
    return name


Label = Annotated[str, AfterValidator(_label)]
"""A field that holds a label."""

Part = Annotated[str, AfterValidator(_part)]
"""A field that holds a label which becomes a part of a path."""


def shown(text: str, longest: int | None = None) -> str:
    """A text in one line, whose control characters are seen instead of obeyed.

    Args:
        text: any.
        longest: characters to show; the middle of a longer text is left out.
    """
    # `split` takes every kind of line break and blank for one.
    line = "".join(_seen(each) for each in " ".join(text.split()))
    if longest is None or len(line) <= longest:
        return line
    half = (longest - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN


def _seen(character: str) -> str:
    if not _is_unseen(character):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
