"""Patterns: the regular expressions by which cards read the names of files."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable

import regex

from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown

LONGEST = 1_000
"""Characters of a pattern."""

MOST_REPEATS = 100_000
"""The product of all counts in a pattern: `regex` writes out what must be repeated."""

PATIENCE_S = 5.0
"""Processor time of a pattern over all names of a folder; a good one takes milliseconds."""


def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern, ready to match.

    Raises:
        ValueError: if it is no regular expression, or too long for one.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"the pattern is longer than {LONGEST} characters")
    counts = (int(each) for each in re.findall(r"\{\s*(\d+)", pattern))
    if math.prod(max(1, each) for each in counts) > MOST_REPEATS:
        raise ValueError(f"the pattern repeats itself more than {MOST_REPEATS} times")
    try:
        if re.compile(pattern).flags & re.VERBOSE or re.search(r"\(\?[a-zA-Z-]*x", pattern):
            raise ValueError("it is verbose, and could hide its counts")
        # What Python itself knows is enough: recursion, for one, would find no end.
        return regex.compile(pattern)
    # Each package has errors of its own, and some of their parts raise others.
    except Exception as error:
        raise ValueError(f"the pattern is not a regular expression: {error}") from error


def matcher(pattern: str) -> Callable[[str], regex.Match[str] | None]:
    """A function that matches whole names, and gives up after `PATIENCE_S` of it in all.

    Some patterns take time that doubles with each character of a name.
    """
    expression = compiled(pattern)
    left = PATIENCE_S

    def match(name: str) -> regex.Match[str] | None:
        nonlocal left
        start = time.process_time()
        try:
            found = expression.fullmatch(name, timeout=max(left, 1e-3))
        except TimeoutError as error:
            raise UserError(
                f"The pattern {shown(pattern, 200)} takes too long on '{shown(name, 100)}'. "
                "Write it in the card without repetitions inside of repetitions."
            ) from error
        left -= time.process_time() - start
        return found

    return match
