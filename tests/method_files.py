"""The file of a method, as a contributor would write it."""

GOOD = '''
from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn import Method


@dataclass(frozen=True)
class Fake(Method):
    """Do nothing
    at length.

    And more.
    """

    reference = "Nobody 2020"
    needs = frozenset({"forget", "retain"})
    smoke = {"epochs": 1}
    variants = {"slow": {"epochs": 9, "careful": True}}

    rate: float = 0.5
    epochs: int = 3
    careful: bool = False
    mode: str = "plain"

    def unlearn(self, model, task):
        return model
'''
