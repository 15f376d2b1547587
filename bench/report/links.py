"""Links: from a row to its method's file and to the paper that it comes from."""

from __future__ import annotations

import re
from functools import cache

from ser_unlearn.unlearning.sources import METHODS

_PAPERS = (
    (re.compile(r"arXiv:(\d{4}\.\d{4,5})"), "https://arxiv.org/abs/"),
    (re.compile(r"doi:(10\.\d{4,9}/[\w.()-]+)"), "https://doi.org/"),
)


def paper_address(reference: str) -> str | None:
    """Where the first paper of a reference can be read; None if it names no identifier."""
    for pattern, site in _PAPERS:
        if found := pattern.search(reference):
            return site + found[1]
    return None


def file_of(method: str) -> str | None:
    """The method's file in the repository; None if there is none any more."""
    return f"methods/{method}.py" if method in _known() else None


@cache
def _known() -> frozenset[str]:
    # Not `list_methods`, which parses them all.
    return frozenset(path.stem for path in METHODS.glob("*.py") if not path.name.startswith("_"))
