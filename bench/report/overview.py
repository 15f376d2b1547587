"""The overview: one table of all methods, over all tables."""

from __future__ import annotations

from collections.abc import Sequence

from ser_unlearn.report.columns import DISTANCE, FLOPS, LOSS, RETURNS, told
from ser_unlearn.report.lines import Line
from ser_unlearn.report.links import file_of, paper_address
from ser_unlearn.report.sheets import by_needs
from ser_unlearn.report.standings import UNHEARD, standings
from ser_unlearn.report.text import link, markdown

HEADERS = ("method, marks", "needs", "distance", "told", "test loss", "price", "durability")

CAPTION = (
    "Price: a method's floating-point operations over retraining's. "
    "Durability: points of forget accuracy that come back with int8 weights, and without the "
    "smallest 30 %; steps until the forget set is known again."
)


def overview(rows: Sequence[Line]) -> list[list[str]]:
    """The cells in Markdown, the rows by the data that they need, the nearest in front.

    Args:
        rows: one for each label, over all tables.
    """
    found = standings(rows, UNHEARD)
    return [
        [
            ", ".join([_linked(line), *map(markdown, found.marks(line) if found else [])]),
            markdown(line.needed),
            DISTANCE.cell(line),
            told(line),
            LOSS.cell(line),
            FLOPS.mean(line),
            " / ".join(column.mean(line) for column in RETURNS),
        ]
        for group in by_needs(rows, DISTANCE).values()
        for line in group
    ]


def _linked(line: Line) -> str:
    """The label, with links to the method's file and paper."""
    file, paper = file_of(line.method), paper_address(line.reference)
    name = link(line.label, file) if file else markdown(line.label)
    return name if paper is None else f"{name} ({link('paper', paper)})"
