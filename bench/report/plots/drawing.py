"""Drawing: charts as SVG and PDF, by the converter of the Vega project, without a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ser_unlearn.report.plots.points import Point
from ser_unlearn.report.plots.themes import Spec, stylesheet

VERSION = "6.4"
"""Of Vega-Lite."""

Data = Mapping[str, Sequence[Point]]
"""What a chart is drawn from, by name: "rows", "groups", "cells" and "curves"."""


@cache
def library() -> str:
    """A script that draws charts in a browser, as `vegaEmbed`, with all that it needs."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VERSION))


def svg(spec: Spec, data: Data) -> str:
    """A chart as SVG; texts stay texts, and the same data give the same bytes on any machine."""
    # It brings an engine for JavaScript, and takes a moment to start.
    import vl_convert

    return str(vl_convert.vegalite_to_svg(_filled(spec, data), VERSION))


def themed_svg(spec: Spec, data: Data) -> str:
    """The same in the colours of the screen, in the light and in the dark."""
    head, mark, rest = svg(spec, data).partition(">")
    return f"{head}{mark}<style>{stylesheet()}</style>{rest}\n"


def pdf(spec: Spec, data: Data) -> bytes:
    """A chart as PDF."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_pdf(_filled(spec, data), VERSION))


def _filled(spec: Spec, data: Data) -> dict[str, Any]:
    return {**spec, "datasets": {name: list(points) for name, points in data.items()}}
