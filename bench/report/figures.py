"""Figures: each plot of the standings over all tables as SVG and PDF, for a paper."""

from __future__ import annotations

from pathlib import Path

from ser_unlearn.errors import UserError
from ser_unlearn.report.outcomes import outcome_of
from ser_unlearn.report.parts import parts
from ser_unlearn.report.plots.catalogue import PLOTS
from ser_unlearn.report.plots.curves import curves
from ser_unlearn.report.plots.drawing import pdf, svg
from ser_unlearn.report.plots.points import cells, groups, needs_of, points
from ser_unlearn.report.plots.themes import PAPER
from ser_unlearn.report.sheets import sheets
from ser_unlearn.results.files import write_bytes, write_text
from ser_unlearn.results.records import read_records


def write_figures(results: Path, folder: Path) -> list[Path]:
    """Write each plot for which there are data, of each aim.

    Returns:
        The files.

    Raises:
        UserError: if there is no record, or one is damaged.
    """
    found = parts(map(outcome_of, read_records(results)))
    if not found:
        raise UserError(
            f"No record in {results} can be drawn. Run something first: ser-unlearn run."
        )
    part = found[0]
    needs = needs_of(part.rows)
    written = []
    for sheet in sheets(part.overall):
        if sheet.standings is None:
            continue
        rows = points(sheet)
        labels = [point["label"] for point in rows]
        data = {
            "rows": rows,
            "groups": groups(sheet),
            "cells": cells(part.rows, sheet.columns[0], labels),
            "curves": curves(sheet),
        }
        for plot in PLOTS:
            if not any(point.get(plot.field) is not None for point in data[plot.data]):
                continue
            spec = plot.make(PAPER, sheet.standings.discipline, needs)
            name = "-".join([plot.name, *sheet.title.replace(",", "").split()])
            drawn, printed = folder / f"{name}.svg", folder / f"{name}.pdf"
            write_text(drawn, svg(spec, data))
            write_bytes(printed, pdf(spec, data))
            written += [drawn, printed]
    return written
