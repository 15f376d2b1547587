"""Errors that a user can mend, and suggestions for mistyped names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_SHOWN = 80
"""Characters of a name that a message repeats."""


class UserError(Exception):
    """Something that the user can mend.

    The message names the thing and the remedy. The command line prints it without a traceback
    and exits with status 2.
    """


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
