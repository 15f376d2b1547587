"""Dots: several numbers of each method, on one axis."""

from __future__ import annotations

from collections.abc import Sequence

from ser_unlearn.report.plots.rankings import LABELS
from ser_unlearn.report.plots.themes import Spec, Theme, chart


def dots(theme: Theme, fields: dict[str, str], title: str, shapes: Sequence[str]) -> Spec:
    """Several numbers of each row, side by side.

    Args:
        theme: of the chart.
        fields: of a row, by what each is called.
        title: of their axis.
        shapes: of their points: colour is not all that tells them apart.
    """
    names = list(fields)
    return chart(
        theme,
        {
            "data": {"name": "rows"},
            "height": {"step": theme.step},
            "transform": [
                *({"calculate": f"datum.{field}", "as": name} for name, field in fields.items()),
                {"fold": names, "as": ["name", "points"]},
                {"filter": "isValid(datum.points)"},
            ],
            "mark": {"type": "point", "size": 40, "strokeWidth": 1.5},
            "encoding": {
                "y": LABELS,
                "x": {
                    "field": "points",
                    "type": "quantitative",
                    "title": title,
                    "axis": {"grid": True, "tickCount": 5},
                },
                "color": {
                    "field": "name",
                    "type": "nominal",
                    "title": None,
                    "sort": names,
                    "scale": {"domain": names, "range": list(theme.colours[1 : 1 + len(names)])},
                },
                "shape": {
                    "field": "name",
                    "type": "nominal",
                    "title": None,
                    "scale": {"domain": names, "range": list(shapes)},
                },
                "tooltip": [{"field": each} for each in ("label", "name", "points")],
            },
        },
    )
