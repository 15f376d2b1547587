"""Search spaces: in Optuna's terms, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from trials import DEFAULTS

from ser_unlearn.errors import UserError
from ser_unlearn.tuning.space import Choice, Range, around, distributions, read_space, rounded
from ser_unlearn.unlearning.method import Method
from ser_unlearn.unlearning.registry import list_methods, load_class, resolve, resolve_all


@dataclass(frozen=True)
class Knobs(Method):
    """A method with a field of every type."""

    reference = "none"
    needs = frozenset({"forget"})
    search_space: ClassVar[dict[str, Any]] = {}

    rate: float = 0.01
    share: float = 0.5
    epochs: int = 3
    mode: str = "soft"
    hold: bool = True

    def unlearn(self, model: Any, task: Any) -> Any:
        return model


def space_of(monkeypatch: pytest.MonkeyPatch, **space: Any) -> dict[str, Choice | Range]:
    monkeypatch.setattr(Knobs, "search_space", space)
    return read_space(Knobs, "knobs", DEFAULTS)


def test_spaces_in_the_terms_of_optuna(monkeypatch: pytest.MonkeyPatch):
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    space = space_of(
        monkeypatch,
        rate=(1e-4, 1, "log"),
        share=(0.0, 1.0, "linear"),
        epochs=(1, 10, "int"),
        mode=["soft", "hard"],
        hold=[True, False],
    )
    assert distributions(space) == {
        "rate": FloatDistribution(1e-4, 1.0, log=True),
        "share": FloatDistribution(0.0, 1.0),
        "epochs": IntDistribution(1, 10),
        "mode": CategoricalDistribution(["soft", "hard"]),
        "hold": CategoricalDistribution([True, False]),
    }


@pytest.mark.parametrize(
    ("bounds", "drawn", "expected"),
    [
        ((1e-4, 1.0, "log"), 0.00031728, 0.00032),
        ((1e-4, 1.0, "log"), 0.0999, 0.1),
        ((0.0, 1.0, "linear"), 0.0, 0.0),
        ((0.123, 0.456, "linear"), 0.1231, 0.123),  # not 0.12, which lies outside
        ((0.123, 0.456, "linear"), 0.4559, 0.456),
        ((1, 300, "int"), 7, 7),
        ((1, 300, "int"), 137, 140),
        ((1, 297, "int"), 296, 297),
    ],
)
def test_numbers_are_rounded_to_two_digits_within_bounds(bounds: Any, drawn: Any, expected: Any):
    low, high, scale = bounds
    space = {"field": Range(low=low, high=high, scale=scale), "mode": Choice(values=["a", "b"])}
    found = rounded(space, {"field": drawn, "mode": "b"})
    assert found == {"field": expected, "mode": "b"}
    assert type(found["field"]) is type(drawn)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "'knobs' has no search space"),
        ({"rates": [0.01]}, "no parameter of knobs, in its search space, 'rates'. Did you mean"),
        ({"rate": []}, "its values are none"),
        ({"rate": [0.01, 0.01]}, "some stand there twice"),
        ({"rate": [0.01, "high"]}, "'high' is not of type float"),
        ({"hold": [True, 0]}, "0 is not of type bool"),
        ({"epochs": [3, True]}, "True is not of type int"),
        ({"rate": 0.01}, "it is neither"),
        ({"rate": (0.001, 0.1)}, "it is neither"),
        ({"rate": (0.001, 0.1, "cubic")}, "a field of type float has no scale 'cubic'"),
        ({"rate": (1, 10, "int")}, "a field of type float has no scale 'int'"),
        ({"epochs": (1, 10, "log")}, "a field of type int has no scale 'log'"),
        ({"epochs": (1, 3.5, "int")}, "3.5 is not of type int"),
        ({"mode": ("a", "b", "linear")}, "a field of type str has no scale 'linear'"),
        ({"rate": (0.1, 0.001, "log")}, "not finite and in order"),
        ({"rate": (0.001, float("inf"), "log")}, "not finite and in order"),
        ({"rate": (0.0, 1.0, "log")}, "a logarithm needs bounds above 0"),
        ({"rate": (0.1, 1.0, "log")}, "the default 0.01 lies outside"),
        ({"mode": ["hard"]}, "the default 'soft' lies outside"),
    ],
)
def test_a_space_that_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, space: dict[str, Any], message: str
):
    with pytest.raises(UserError, match=message):
        space_of(monkeypatch, **space)


@pytest.mark.parametrize(
    "name",
    [
        row
        for info in list_methods().values()
        for row in info.rows
        if "search_space" in info.path.read_text(encoding="utf-8")
    ],
)
def test_the_space_of_every_row_is_valid(name: str):
    row = resolve(name, {})
    space = read_space(load_class(row.method), name, row.parameters)
    assert set(distributions(space)) == set(space) <= set(row.parameters)


def test_a_space_moves_with_the_defaults_of_a_family():
    space = {
        "rate": Range(low=1e-4, high=1e-2, scale="log"),
        "count": Choice(values=[32, 64]),
        "steps": Range(low=5, high=60, scale="int"),
    }
    before = {"rate": 1e-3, "count": 64, "steps": 20}
    moved = around(space, before, {"rate": 1e-5, "count": 16, "steps": 20})
    assert moved["rate"] == Range(low=1e-6, high=1e-4, scale="log")
    assert moved["count"] == Choice(values=[16, 32, 64])
    assert moved["steps"] == space["steps"]
    assert around(space, before, before) == space


@pytest.mark.parametrize("label", [row.label for row in resolve_all(None, {})])
def test_every_rows_space_holds_its_presets(label):
    row = resolve(label, {})
    cls = load_class(row.method)
    after = row.under("transformer").parameters
    assert after == row.parameters | cls.presets.get("transformer", {})
    if not cls.search_space:
        return
    space = around(read_space(cls, label, row.parameters), row.parameters, after)
    assert all(after[field] in each for field, each in space.items())
