"""Distance, or loss, against price: what is to be had for which cost."""

from __future__ import annotations

from collections.abc import Sequence

from ser_unlearn.report.plots.themes import Spec, Theme, chart, needs_colour
from ser_unlearn.report.standings import Discipline

CHEAPEST = 0.001
"""Of retraining's operations: what costs less stands there."""

CHEAP = 0.03
"""What costs less has its label on the right."""

_METHODS = "datum.kind == 'method' && isValid(datum.value) && isValid(datum.flops_ratio)"

_FRONT: list[Spec] = [
    {"filter": _METHODS},
    {
        "window": [{"op": "min", "field": "value", "as": "best"}],
        "sort": [{"field": "price"}, {"field": "value"}],
        "frame": [None, 0],
        "ignorePeers": True,
    },
    {"filter": "datum.value <= datum.best"},
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
        "scale": {"type": kind, "nice": False, "padding": 8},
        "axis": {"grid": True, "tickCount": 6, "format": ".3~g"},
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
        _said("original", y, -6),
        _said("retraining", y, 10),
        {
            "transform": _FRONT,
            "mark": {
                "type": "line",
                "interpolate": "step-after",
                "color": theme.soft,
                "strokeWidth": 1.2,
            },
            "encoding": place,
        },
        *_names(theme, x, y),
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


def _said(kind: str, y: Spec, dy: int) -> Spec:
    """What a line stands for, at its right end."""
    return {
        "transform": [{"filter": f"datum.kind == '{kind}'"}],
        "mark": {"type": "text", "align": "right", "dx": -3, "dy": dy, "fontStyle": "italic"},
        "encoding": {"x": {"value": "width"}, "y": y, "text": {"field": "kind"}},
    }


def _names(theme: Theme, x: Spec, y: Spec) -> list[Spec]:
    """The labels of the nearest of each need, on that side of the point on which there is room."""
    cheap = f"datum.price < {CHEAP}"
    mark: Spec = {
        "type": "text",
        "align": {"expr": f"{cheap} ? 'left' : 'right'"},
        "dx": {"expr": f"{cheap} ? 9 : -9"},
    }
    halo: Spec = {"stroke": theme.paper, "strokeWidth": 3, "strokeJoin": "round"}
    spec: Spec = {
        "transform": [{"filter": "isValid(datum.label_at)"}],
        "encoding": {"x": x, "y": {**y, "field": "label_at"}, "text": {"field": "label"}},
    }
    return [{**spec, "mark": {**mark, **halo}}, {**spec, "mark": mark}]


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
