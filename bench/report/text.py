"""Text from records as it may stand in a table: seen as it is, whatever the format makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from ser_unlearn.results.names import shown

Escape = Callable[[str], str]
"""Text of any kind to one line that a format shows as it is."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

# An underscore inside of a word means nothing, and brackets only before what makes a link.
_MARKS = r"[\\`*~|#$]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])"
_MARKS_IN_LINKS = rf"{_MARKS}|[\[\]!]"

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    **{each: f"\\{each}" for each in "&%$#_{}"},
}


def markdown(text: str) -> str:
    """Text for GitHub's Markdown, also inside of a table."""
    return _marked(text, _MARKS)


def _marked(text: str, special: str) -> str:
    line = re.sub(r"[&<>]", lambda found: _ENTITIES[found[0]], shown(text))
    return re.sub(special, lambda found: f"\\{found[0]}", line)


def link(text: str, address: str) -> str:
    """A link in Markdown, of text from anywhere to an address made by this project."""
    return f"[{_marked(text, _MARKS_IN_LINKS)}]({address})"


def latex(text: str) -> str:
    """Text for LaTeX, outside of a table: `tabulate` escapes the cells itself."""
    return re.sub(r"[\\~^<>&%$#_{}]", lambda found: _LATEX[found[0]], shown(text))
