"""Heat: every method in every table."""

from __future__ import annotations

from ser_unlearn.report.plots.rankings import LABELS
from ser_unlearn.report.plots.themes import Spec, Theme, chart
from ser_unlearn.report.standings import Discipline


def heat(theme: Theme, discipline: Discipline) -> Spec:
    """Each row in each table: the darker, the farther."""
    log = discipline.kind == "factor"
    column: Spec = {
        "field": "table",
        "type": "nominal",
        "title": None,
        "sort": None,
        "axis": {"orient": "top", "labelAngle": -30, "ticks": False, "domain": False},
    }
    place: Spec = {"y": LABELS, "x": column}
    return chart(
        theme,
        {
            "data": {"name": "cells"},
            "width": {"step": 52},
            "autosize": {"type": "pad"},
            "height": {"step": theme.step},
            "layer": [
                {
                    "mark": "rect",
                    "encoding": {
                        **place,
                        "color": {
                            "field": "value",
                            "type": "quantitative",
                            "title": "distance" if log else "test accuracy lost",
                            "scale": {"type": "log" if log else "linear", "scheme": "blues"},
                        },
                        "tooltip": [{"field": each} for each in ("label", "table", "value")],
                    },
                },
                {
                    "mark": {"type": "text", "fontSize": theme.font_size - 1},
                    "encoding": {
                        **place,
                        "text": {"field": "value", "format": ".2f" if log else ".1f"},
                        "color": {
                            "condition": {
                                "test": f"datum.value > {3 if log else 25}",
                                "value": "#fff",
                            },
                            "value": "#111",
                        },
                    },
                },
            ],
        },
    )
