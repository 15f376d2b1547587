"""Sizes: the numbers in the names of scenarios."""

from __future__ import annotations

import math
from typing import TypeVar

from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown

MOST = 10**9
"""No corpus has as many utterances."""

MOST_REQUESTS = 1000
"""In a sequence: each has tables and models of its own."""

_LONGEST = 20
"""Characters of a number."""

_Number = TypeVar("_Number", int, float)


def number(text: str, kind: type[_Number]) -> _Number:
    """A number above 0, written as short as can be.

    Raises:
        UserError: if it is none, is absurd, or has a shorter name.
    """
    try:
        found = kind(text) if len(text) <= _LONGEST else kind(0)
    except ValueError:
        found = kind(0)
    if not (math.isfinite(found) and 0 < found <= MOST):
        raise UserError(
            f"'{shown(text, 40)}' in a scenario is not a number above 0 and up to {MOST}. "
            "Write random:16, say."
        )
    shortest = str(int(found) if found == int(found) else found)
    if text != shortest:
        # One name a scenario: records lie where it says.
        raise UserError(f"'{text}' in a scenario has a shorter name. Write {shortest}.")
    return found


def share_or_number(text: str) -> tuple[float | None, int]:
    """What P% or N says: the percentage, or None and the number.

    Raises:
        UserError: as `number` does.
    """
    if text.endswith("%"):
        return number(text[:-1], float), 0
    return None, number(text, int)


def sequence(text: str) -> tuple[int, int, int | None]:
    """What KxN or KxN:i says: K, N, and i if it is there.

    Raises:
        UserError: as `number` does, or if K is absurd.
    """
    sizes, colon, position = text.partition(":")
    requests, _, each = sizes.partition("x")
    found = number(requests, int), number(each, int), number(position, int) if colon else None
    if found[0] > MOST_REQUESTS:
        raise UserError(
            f"A scenario of {found[0]} requests is too long. Ask for at most {MOST_REQUESTS}."
        )
    return found
