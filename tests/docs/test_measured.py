"""What pages say of methods was measured with the parameters that the methods have now."""

from __future__ import annotations

import json

import pytest
from checkouts import ROOT

from ser_unlearn.unlearning.registry import resolve


@pytest.mark.parametrize("name", ["ablation", "familiarity"])
def test_the_parameters_are_those_of_today(name: str):
    measured = json.loads((ROOT / "results" / "forget-only" / f"{name}.json").read_text())
    assert measured["parameters"]
    for label, parameters in measured["parameters"].items():
        now = resolve(label, {}).parameters
        assert now == parameters, f"{label} has other parameters: make {name}.json anew"
