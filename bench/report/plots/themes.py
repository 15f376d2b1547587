"""Themes: colours, fonts and sizes of plots, on a screen and in a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]
"""A chart, or a part of one, in Vega-Lite."""

FONT = "Liberation Sans, Helvetica, Arial, sans-serif"
"""The converter brings the first along: a chart is the same on every machine."""


@dataclass(frozen=True)
class Theme:
    """Colours, and sizes in pixels of 1/96 inch."""

    ink: str
    soft: str
    grid: str
    paper: str
    region: str
    colours: tuple[str, ...]
    """Of methods by the data that they need: the first of those that need nothing."""
    font_size: float
    column: int | str
    """The width of a plot."""
    page: int | str
    """That of a plot that takes two columns."""
    step: int
    """The height of a row."""


SCREEN = Theme(
    "var(--ink)",
    "var(--soft)",
    "var(--grid)",
    "var(--paper)",
    "var(--region)",
    tuple(f"var(--colour-{number})" for number in range(6)),
    font_size=12,
    column="container",
    page="container",
    step=18,
)
"""Of the page, which says what the colours are, in the light and in the dark."""

PAPER = Theme(
    "#000",
    "#555",
    "#ddd",
    "#fff",
    "#e6eef5",
    ("#777", "#0072b2", "#d55e00", "#00836b", "#a0479a", "#8a6d00"),
    font_size=10.7,
    column=240,
    page=560,
    step=13,
)
"""Of papers in two columns of 3.5 inches: 8 points, as IEEE and ISCA ask for; the colours are told
apart by the colour-blind (Okabe & Ito 2008)."""

LIGHT = {
    "ink": "#1a1d21",
    "soft": "#59626b",
    "grid": "#dfe3e8",
    "paper": "#ffffff",
    "region": "#e3eef7",
    **{f"colour-{number}": colour for number, colour in enumerate(PAPER.colours)},
}

DARK = {
    "ink": "#e6e9ec",
    "soft": "#9aa5b1",
    "grid": "#343b44",
    "paper": "#14171b",
    "region": "#1d3245",
    **dict(
        zip(
            (f"colour-{number}" for number in range(6)),
            ("#a0a0a0", "#56b4e9", "#ff9a52", "#3dcca5", "#e08fd8", "#e6c34a"),
            strict=True,
        )
    ),
}


def stylesheet() -> str:
    """The colours of `SCREEN`, in the light and in the dark."""
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in colours.items())
        for colours in (LIGHT, DARK)
    )
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"


def needs_colour(theme: Theme, needs: Sequence[str]) -> Spec:
    """The colour of a method by the data that it needs: the same in every chart of a report.

    Args:
        theme: of the chart.
        needs: all that there are in the report, in their order.
    """
    colours = [theme.colours[number % len(theme.colours)] for number in range(len(needs))]
    return {
        "field": "needs",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(needs), "range": colours},
    }


def chart(theme: Theme, spec: Spec, *, wide: bool = False) -> Spec:
    """A whole chart: what it shows, with the theme's colours, fonts and sizes."""
    size = theme.font_size
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": theme.page if wide else theme.column,
        "autosize": {"type": "fit-x" if theme.column == "container" else "pad"},
        "background": theme.paper,
        "padding": 4,
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": theme.ink,
                "titleColor": theme.ink,
                "domainColor": theme.soft,
                "tickColor": theme.soft,
                "gridColor": theme.grid,
                "labelFontSize": size,
                "titleFontSize": size,
                "titleFontWeight": "normal",
                "labelLimit": 16 * size,
            },
            "legend": {
                "labelColor": theme.ink,
                "titleColor": theme.ink,
                "labelFontSize": size,
                "titleFontSize": size,
                "titleFontWeight": "normal",
                "orient": "top",
                "columns": 2,
                "labelLimit": 0,
            },
            "text": {"color": theme.ink, "fontSize": size},
            "rule": {"color": theme.soft},
        },
        **spec,
    }
