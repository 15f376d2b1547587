"""Rankings: methods from the first to the last, with what cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence

from ser_unlearn.report.plots.scatter import tooltip
from ser_unlearn.report.plots.themes import Spec, Theme, chart, needs_colour
from ser_unlearn.report.standings import Discipline

LABELS: Spec = {
    "field": "label",
    "type": "nominal",
    "title": None,
    "sort": None,
    "axis": {"ticks": False, "domain": False},
}
"""Rows from top to bottom, in the order in which they come."""


def ranking(theme: Theme, discipline: Discipline, needs: Sequence[str]) -> Spec:
    """Each row's mean and 95 % interval; bars join rows of which no two are told apart.

    As in a diagram of critical differences (Demsar 2006), but with the paired tests of the tables,
    corrected for all pairs by Holm.
    """
    log = discipline.kind == "factor"
    x: Spec = {
        "field": "value",
        "type": "quantitative",
        "title": "distance, with its 95 % interval" if log else "test accuracy lost, points",
        "scale": {
            "type": "log" if log else "linear",
            "nice": False,
            "range": [0, {"expr": "width * 0.78"}],
        },
        "axis": {"grid": True, "tickCount": 5, "format": "~g"},
    }
    # Beside the labels there is little room on a phone.
    colour = {**needs_colour(theme, needs), "legend": {"columns": 1}}
    bars: Spec = {
        "data": {"name": "groups"},
        "mark": {"type": "rule", "strokeWidth": 2, "color": theme.ink, "strokeCap": "round"},
        "encoding": {
            "y": LABELS,
            "y2": {"field": "last"},
            "x": {
                "field": "lane",
                "type": "quantitative",
                "axis": None,
                "scale": {"range": [{"expr": "width * 0.82"}, {"expr": "width"}], "nice": False},
            },
            "tooltip": [{"field": "size", "title": "rows that cannot be told apart"}],
        },
    }
    means: Spec = {
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 1.5},
                "encoding": {
                    "y": LABELS,
                    "x": {**x, "field": "low"},
                    "x2": {"field": "high"},
                    "color": colour,
                },
                "transform": [{"filter": "isValid(datum.low)"}],
            },
            {
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
                "encoding": {"y": LABELS, "x": x, "color": colour, "tooltip": tooltip(discipline)},
            },
        ]
    }
    return chart(
        theme,
        {
            "data": {"name": "rows"},
            "height": {"step": theme.step},
            "transform": [{"filter": "isValid(datum.value)"}],
            "layer": [means, bars],
            "resolve": {"scale": {"x": "independent"}},
        },
    )
