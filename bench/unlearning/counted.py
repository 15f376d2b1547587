"""What is counted already of the operations that methods do on a request.

A method's process counts each distinct call of the model's parts, which may take it as long as the
method itself, and all is lost when it ends. So the harness counts what a process tells of again, by
itself, and tells the next. Calls say how long utterances are: what methods that declare the same
data did is all that is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from torch import nn

from ser_unlearn.recogniser.counting import Call, Counts, counts_of

_Counted = dict[str, dict[Call, tuple[int, int]]]


def counted(sets_digest: str, needs: frozenset[str]) -> Counts:
    """What is counted of methods that declare this data, on a request with these sets."""
    return _counted(sets_digest, needs)


def learn(sets_digest: str, needs: frozenset[str], model: nn.Module, calls: Sequence[Call]) -> None:
    """Count the calls that such a method did of a model like this one."""
    known = _counted(sets_digest, needs)
    for text, counts in counts_of(model, calls).items():
        known.setdefault(text, {}).update(counts)


@lru_cache(maxsize=32)
def _counted(sets_digest: str, needs: frozenset[str]) -> _Counted:
    return {}
