"""Curves: how methods forget that look at the forget set while they work."""

from __future__ import annotations

from ser_unlearn.report.columns import FLOPS
from ser_unlearn.report.lines import Line
from ser_unlearn.report.plots.points import Point, rounded
from ser_unlearn.report.plots.rankings import LABELS
from ser_unlearn.report.plots.themes import Spec, Theme, chart
from ser_unlearn.report.sheets import Sheet


def curves(sheet: Sheet) -> list[Point]:
    """The looks of each row of a table, in their order: means over its runs.

    A run that has ended keeps what its last look found.
    """
    return [
        {"label": line.label, "look": look, "price": rounded(price), "accuracy": rounded(share)}
        for line in sheet.rows
        for look, (price, share) in enumerate(mean_curve(line), start=1)
    ]


def mean_curve(line: Line) -> list[tuple[float, float]]:
    """Price and accuracy on the forget set at each look, means over the runs that have looks."""
    found = [outcome.curve for outcome in line.outcomes if outcome.curve]
    return [
        (
            sum(curve[min(look, len(curve) - 1)][0] for curve in found) / len(found),
            sum(curve[min(look, len(curve) - 1)][1] for curve in found) / len(found),
        )
        for look in range(max(map(len, found), default=0))
    ]


def strips(theme: Theme) -> Spec:
    """The looks of each row on its way to the right: the paler, the more is forgotten."""
    return chart(
        theme,
        {
            "data": {"name": "curves"},
            "height": {"step": theme.step},
            "transform": [{"filter": "datum.price > 0"}],
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1, "strokeWidth": 0.5},
            "encoding": {
                "y": LABELS,
                "x": {
                    "field": "price",
                    "type": "quantitative",
                    "title": f"{FLOPS.title} so far",
                    "scale": {"type": "log", "nice": False, "padding": 8},
                    "axis": {"grid": True, "tickCount": 5, "format": "~g"},
                },
                "stroke": {"value": theme.soft},
                "color": {
                    "field": "accuracy",
                    "type": "quantitative",
                    "title": "known of the forget set",
                    "scale": {"scheme": "blues", "domain": [0, 1]},
                    "legend": {"format": "%", "gradientLength": 120, "tickCount": 3},
                },
                "tooltip": [
                    {"field": "label"},
                    {"field": "look"},
                    {"field": "price"},
                    {"field": "accuracy", "title": "accuracy on the forget set", "format": ".0%"},
                ],
            },
        },
    )
