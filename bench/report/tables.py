"""The standardised tables: methods as rows, mean and 95 % interval over runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any, Literal

from ser_unlearn.report.lines import by_table, lines, notes
from ser_unlearn.report.remarks import INTERVALS, caveats, faults, matching
from ser_unlearn.report.sentences import conclusions
from ser_unlearn.report.sheets import Sheet, lasting_sheet, sheets
from ser_unlearn.report.standings import LEGEND
from ser_unlearn.report.terminal import on_terminal
from ser_unlearn.report.text import Escape, latex, markdown
from ser_unlearn.results.names import shown
from ser_unlearn.results.records import Record

Format = Literal["terminal", "github", "latex", "csv", "json"]

ESCAPES: dict[Format, Escape] = {"github": markdown, "latex": latex}
"""How text of records stands in each format."""

CELLS: dict[Format, Escape] = {**ESCAPES, "latex": shown}
"""The same in tables and headings: `tabulate` escapes for LaTeX itself, and there a heading is a
comment."""


def render(records: Iterable[Record], style: Format, width: int | None = 80) -> str:
    """The standardised tables of each corpus, recipe and scenario.

    Args:
        records: whose results to show.
        style: "terminal", "github" and "latex" show means with intervals; "csv" and "json" hold
            every metric of every record.
        width: characters of the terminal's lines; None for as many as all columns take.
    """
    if style in ("csv", "json"):
        return _as_csv(records) if style == "csv" else _as_json(records)
    rows = lines(records)
    if not rows:
        return "There are no records to show."
    if style == "terminal":
        return on_terminal(rows, width)
    prose = style != "latex"
    parts = []
    for key, chosen in by_table(rows).items():
        where = CELLS[style]("{}, recipe {}, scenario {}".format(*key))
        if prose:
            parts += caveats(chosen)
        for sheet in sheets(chosen):
            parts.append(_titled(where, sheet, style))
            if sheet.standings and prose:
                parts.append(" ".join(conclusions(sheet.standings, ESCAPES[style])))
        if last := lasting_sheet(chosen):
            parts.append(_titled(where, last, style))
        if prose:
            parts += [*matching(chosen), *map(markdown, faults(key[0]))]
    legend = [LEGEND, INTERVALS] if prose else []
    return "\n\n".join([*parts, *legend, *notes(rows, ESCAPES[style])])


def _titled(where: str, sheet: Sheet, style: Format) -> str:
    from tabulate import tabulate

    text = tabulate(
        sheet.cells(CELLS[style]),
        headers=sheet.headers,
        tablefmt="github" if style == "github" else "latex_booktabs",
        disable_numparse=True,
        colalign=sheet.alignment,
    )
    title = f"{where}: {CELLS[style](sheet.title)}"
    if style == "latex":
        return f"% {title}\n{text.replace('–', '--')}"
    return f"### {title}\n\n{text}"


def flat(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Every record as a row: what it is, its status, and each metric in a column."""
    rows: list[dict[str, Any]] = [
        {
            "corpus": record.corpus,
            "recipe": record.recogniser,
            "scenario": record.scenario,
            "method": record.label,
            "needs": " ".join(record.needs),
            "model_seed": record.seeds.model,
            "forget_seed": record.seeds.forget,
            "method_seed": record.seeds.method,
            "status": record.status,
            "reason": record.reason,
            **record.metrics,
            "commit": record.provenance.commit,
        }
        for record in records
    ]
    columns = dict.fromkeys(column for row in rows for column in row)
    return [{column: row.get(column) for column in columns} for row in rows]


def _as_csv(records: Iterable[Record]) -> str:
    rows = flat(records)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0] if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().rstrip("\n")


def _as_json(records: Iterable[Record]) -> str:
    # Not by pandas, which rounds.
    return json.dumps(flat(records), indent=2, allow_nan=False)
