"""Search spaces: what tuning may try of a method, as its class declares it."""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.results.documents import Document

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from ser_unlearn.unlearning.method import Method

Value = bool | int | float | str


class Choice(Document):
    """One of a few values."""

    values: list[Value]

    def __contains__(self, value: Value) -> bool:
        return value in self.values


class Range(Document):
    """Numbers between two bounds, both among them."""

    low: int | float
    high: int | float
    scale: Literal["linear", "log", "int"]
    """Drawn evenly, evenly in the logarithm, or evenly among whole numbers."""

    def __contains__(self, value: Value) -> bool:
        return not isinstance(value, str) and self.low <= value <= self.high

    def rounded(self, value: float) -> int | float:
        """The nearest number in it of two significant digits, or the bound that is nearer."""
        inside = min(max(float(f"{value:.1e}"), self.low), self.high)
        return int(inside) if self.scale == "int" else inside


Space = dict[str, Choice | Range]


def read_space(cls: type[Method], row: str, defaults: Mapping[str, Value]) -> Space:
    """Read and check a method's search space.

    Args:
        cls: the method's class.
        row: what messages call it.
        defaults: the values that its fields have unless tuning changes them.

    Raises:
        UserError: if there is none, or it does not fit the class's fields, or a default lies
            outside of it.
    """
    if not cls.search_space:
        raise UserError(
            f"'{row}' has no search space: there is nothing to tune. "
            "Tune another method, or give its class a `search_space`."
        )
    types = typing.get_type_hints(cls)
    space: Space = {}
    for field, declared in cls.search_space.items():
        if field not in defaults:
            raise unknown_name(f"parameter of {row}, in its search space,", field, defaults)
        try:
            space[field] = _dimension(declared, types[field])
            if defaults[field] not in space[field]:
                raise ValueError(f"the default {defaults[field]!r} lies outside of it")
        except ValueError as error:
            raise UserError(
                f"The search space of '{row}' for {field}, {declared!r}, is not valid: {error}. "
                "Write a list of values, or (low, high, 'linear', 'log' or 'int')."
            ) from error
    return space


def around(space: Space, before: Mapping[str, Value], after: Mapping[str, Value]) -> Space:
    """A space for other defaults, such as a family of recipes has.

    A range with a logarithmic scale moves by the factor by which its default does, a choice has
    the new default first, and other ranges stay as they are.

    Args:
        space: for the defaults `before`.
        before: defaults, by field.
        after: the others.
    """
    moved = dict(space)
    for field, each in space.items():
        old, new = before[field], after[field]
        if old == new:
            continue
        if isinstance(each, Choice):
            moved[field] = Choice(values=[new, *(one for one in each.values if one != new)])
        elif each.scale == "log":
            factor = float(new) / float(old)
            low, high = (float(f"{bound * factor:.1e}") for bound in (each.low, each.high))
            moved[field] = Range(low=low, high=high, scale="log")
    return moved


def _dimension(declared: Any, kind: type) -> Choice | Range:
    """What a field may become.

    Raises:
        ValueError: if it is neither a list nor a range, or not of the field's type.
    """
    if isinstance(declared, list):
        values = [_of_type(value, kind) for value in declared]
        if not values or len(set(values)) < len(values):
            raise ValueError("its values are none, or some stand there twice")
        return Choice(values=values)
    if not (isinstance(declared, tuple) and len(declared) == 3):
        raise ValueError("it is neither")
    low, high, scale = declared
    wanted = {"int": int, "linear": float, "log": float}.get(scale)
    if wanted is not kind:
        raise ValueError(f"a field of type {kind.__name__} has no scale {scale!r}")
    low, high = _of_type(low, kind), _of_type(high, kind)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError("its bounds are not finite and in order")
    if scale == "log" and low <= 0:
        raise ValueError("a logarithm needs bounds above 0")
    return Range(low=low, high=high, scale=scale)


def _of_type(value: Any, kind: type) -> Any:
    """A value as a field of that type holds it; a whole number is as good as a float.

    Raises:
        ValueError: if it is of another type.
    """
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    raise ValueError(f"{value!r} is not of type {kind.__name__}")


def rounded(space: Space, drawn: Mapping[str, Any]) -> dict[str, Value]:
    """What was drawn from a space, as a person would write it."""
    return {
        field: each.rounded(drawn[field]) if isinstance(each, Range) else drawn[field]
        for field, each in space.items()
    }


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """A space in the terms of Optuna."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    def translate(each: Choice | Range) -> BaseDistribution:
        if isinstance(each, Choice):
            return CategoricalDistribution(each.values)
        if each.scale == "int":
            return IntDistribution(int(each.low), int(each.high))
        return FloatDistribution(each.low, each.high, log=each.scale == "log")

    return {field: translate(each) for field, each in space.items()}
