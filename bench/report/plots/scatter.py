"""Distance, or loss, against price: what is to be had for which cost."""

from __future__ import annotations

from collections.abc import Sequence

from ser_unlearn.report.plots.themes import Spec, Theme, chart, needs_colour
from ser_unlearn.report.standings import Discipline

CHEAPEST = 0.001
"""Of retraining's operations: what costs less stands there."""

_METHODS = "datum.kind == 'method' && isValid(datum.value) && isValid(datum.flops_ratio)"

_FRONT: list[Spec] = [
    {"filter": _METHODS},
    {
        "window": [{"op": "min", "field": "value", "as": "best"}],
        "sort": [{"field": "price"}, {"field": "value"}],
        "frame": [None, -1],
        "ignorePeers": True,
    },
    {"filter": "!isValid(datum.best) || datum.value < datum.best"},
]
"""What no other method betters in both."""


def scatter(theme: Theme, discipline: Discipline, needs: Sequence[str]) -> Spec:
    """Each method as a point, with the original's and retraining's place, and the Pareto front.

    A filled point may win; one that something bars is hollow. The lines are at the original, at
    retraining, whose region is its interval, and at the price of retraining.
    """
    kind = "log" if discipline.kind == "factor" else "linear"
    title = "distance (1: retraining)" if discipline.kind == "factor" else "test accuracy lost"
    y: Spec = {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "scale": {"type": kind, "zero": False, "nice": False, "padding": 8},
        "axis": {"grid": True, "tickCount": 6, "format": "~g"},
    }
    x: Spec = {
        "field": "price",
        "type": "quantitative",
        "title": "price: share of retraining's operations",
        "scale": {"type": "log", "nice": False, "padding": 8},
        "axis": {"grid": False, "tickCount": 4, "format": "~g"},
    }
    place: Spec = {"x": x, "y": y}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "datum.kind == 'retraining' && isValid(datum.low)"}],
            "mark": {"type": "rect", "color": theme.region},
            "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "transform": [{"filter": "datum.kind == 'retraining' || datum.kind == 'original'"}],
            "mark": {"type": "rule", "strokeDash": [5, 3]},
            "encoding": {"y": y},
        },
        {
            "data": {"values": [{"price": 1}]},
            "mark": {"type": "rule", "strokeDash": [2, 3]},
            "encoding": {"x": x},
        },
        {
            "transform": [{"filter": "datum.kind == 'retraining' || datum.kind == 'original'"}],
            "mark": {"type": "text", "align": "left", "dx": 3, "dy": -6, "fontStyle": "italic"},
            "encoding": {"x": {"value": 0}, "y": y, "text": {"field": "kind"}},
        },
        {
            "transform": _FRONT,
            "mark": {"type": "line", "interpolate": "step-after", "color": theme.soft},
            "encoding": place,
        },
        {
            "transform": [{"filter": _METHODS}],
            "mark": {"type": "point", "size": 55, "strokeWidth": 1.5},
            "encoding": {
                **place,
                "stroke": needs_colour(theme, needs),
                "fill": needs_colour(theme, needs),
                "fillOpacity": {
                    "condition": {"test": "datum.ranked", "value": 1},
                    "value": 0,
                },
                "tooltip": tooltip(discipline),
            },
        },
        {
            "transform": _FRONT,
            "mark": {"type": "text", "align": "left", "dx": 6, "dy": 9, "limit": 150},
            "encoding": {**place, "text": {"field": "label"}},
        },
    ]
    return chart(
        theme,
        {
            "data": {"name": "rows"},
            "height": 300 if theme.column == "container" else 220,
            "transform": [{"calculate": f"max(datum.flops_ratio, {CHEAPEST})", "as": "price"}],
            "layer": layers,
        },
    )


def tooltip(discipline: Discipline) -> list[Spec]:
    """What is said of a method when it is pointed at."""
    title = "distance" if discipline.kind == "factor" else "test accuracy lost"
    return [
        {"field": "label", "title": "method"},
        {"field": "needs", "title": "needs"},
        {"field": "value", "title": title},
        {"field": "flops_ratio", "title": "price"},
        {"field": "marks", "title": "marks"},
    ]
