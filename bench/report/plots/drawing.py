"""Drawing: charts as SVG and PDF, by the converter of the Vega project, without a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_unlearn.report.plots.catalogue import PLOTS
from ser_unlearn.report.plots.points import Point
from ser_unlearn.report.plots.themes import PAPER, Spec, stylesheet
from ser_unlearn.report.standings import Discipline
from ser_unlearn.results.files import write_bytes

VERSION = "6.4"
"""Of Vega-Lite."""

Data = Mapping[str, Sequence[Point]]
"""What a chart is drawn from, by name: "rows", "groups" and "cells"."""


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


def write_figures(
    folder: Path, data: Data, discipline: Discipline, needs: Sequence[str]
) -> list[Path]:
    """Write each plot for which there are data as SVG and as PDF, for a paper.

    Returns:
        The files.
    """
    written = []
    for plot in PLOTS:
        known = data["cells"] if plot.tables else data["rows"]
        if not any(point.get(plot.field) is not None for point in known):
            continue
        spec = plot.make(PAPER, discipline, needs)
        name = f"{plot.name}-{discipline.name.replace(' ', '-')}"
        for path, write in ((folder / f"{name}.svg", svg), (folder / f"{name}.pdf", pdf)):
            content = write(spec, data)
            write_bytes(path, content if isinstance(content, bytes) else content.encode())
            written.append(path)
    return written


def _filled(spec: Spec, data: Data) -> dict[str, Any]:
    return {**spec, "datasets": {name: list(points) for name, points in data.items()}}
