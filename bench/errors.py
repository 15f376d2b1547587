"""Errors that a user can mend, and suggestions for mistyped names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

LONGEST_SHOWN = 80
"""Characters of a name that a message repeats."""


class UserError(Exception):
    """Something that the user can mend.

    The message names the thing and the remedy. The command line prints it without a traceback
    and exits with status 2.
    """


class LackingError(UserError):
    """The store lacks what cannot be made anew, but only be given again."""


class DiskError(Exception):
    """The disk failed, and nothing that was computed.

    The message names the folder and the remedy. No method is to blame: a run stops with it, and
    the command line prints it without a traceback and exits with status 3.
    """


class EngineError(Exception):
    """What runs the jobs failed, and nothing that was computed.

    The message names what is gone. The command line prints it without a traceback and exits with
    status 3.
    """


class StoreError(DiskError):
    """The store cannot be read or written."""


class ResultsError(DiskError):
    """The results folder cannot be written."""


Failure = Literal["failed", "timeout", "memory", "unsupported"]
"""How a method may end that is not done."""


LARGEST_REASON = 300
"""Characters of a reason."""


def one_line(text: str) -> str:
    """A text as one printable line of at most `LARGEST_REASON` characters."""
    words = " ".join(text.split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in words)
    return shown if len(shown) <= LARGEST_REASON else shown[: LARGEST_REASON - 1] + "…"


class MethodError(Exception):
    """A method failed; that is its result.

    Args:
        status: how it ended.
        reason: what a record says of it, made one line of at most `LARGEST_REASON` characters.
    """

    def __init__(self, status: Failure, reason: str) -> None:
        super().__init__(one_line(reason))
        self.status = status


class UndeclaredDataError(Exception):
    """A method touched data that its `needs` do not declare."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Make the error for a name that is not known, with the nearest known ones.

    Args:
        kind: what the name stands for, in the singular ("method", "corpus" ...).
        name: the name that was given.
        known: every name that would have been right.
    """
    names = sorted(known)
    name = name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]} ..."
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(names)}."
    return UserError(f"There is no {kind} '{name}'. {hint}")


class UnsupportedError(Exception):
    """Raised by a method that cannot serve a task: the record says so, and why."""
