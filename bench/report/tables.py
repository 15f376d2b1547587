"""The standardised tables: methods as rows, mean and 95 % interval over runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ser_unlearn.data.cards import card_names, load_card
from ser_unlearn.report.columns import LASTING, columns_of, headers, lasting_row, table_row
from ser_unlearn.report.lines import Line, by_table, lines, notes
from ser_unlearn.report.standings import (
    DISCIPLINES,
    LEGEND,
    UNHEARD,
    Standings,
    conclusions,
    standings,
    ways_of_tuning,
)
from ser_unlearn.report.text import Escape, latex, markdown
from ser_unlearn.results.names import shown
from ser_unlearn.results.records import Record

Format = Literal["terminal", "github", "latex", "csv", "json"]

ESCAPES: dict[Format, Escape] = {"terminal": shown, "github": markdown, "latex": latex}
"""How text of records stands in each format."""

CELLS: dict[Format, Escape] = {**ESCAPES, "latex": shown}
"""The same in tables and headings: `tabulate` escapes for LaTeX itself, and there a heading is a
comment."""

INTERVALS = "In parentheses: 95 % intervals over runs. Losses, gaps and returns are in points."


@dataclass(frozen=True)
class Sheet:
    """One table as any format writes it."""

    title: str
    headers: list[str]
    cells: list[list[str]]
    standings: Standings | None
    """Who wins it; None where nobody competes."""

    @property
    def alignment(self) -> list[str]:
        """Words stand on the left, numbers on the right."""
        return ["left" if each in ("method", "mark", "needs") else "right" for each in self.headers]


def sheets(rows: Sequence[Line], cell: Escape) -> list[Sheet]:
    """The tables of the disciplines, for each way of tuning.

    Args:
        rows: of one corpus, recipe and scenario, or of several (`over_tables`).
        cell: makes text of records fit for a cell.
    """
    found = []
    for tuned in ways_of_tuning(rows):
        manner = f", tuned by {tuned.criterion} with {tuned.trials} trials each" if tuned else ""
        for discipline in DISCIPLINES:
            columns = columns_of(discipline)
            ranking = standings(rows, discipline, tuned)
            listed = list(ranking.rows) if ranking else []
            if discipline is UNHEARD:
                # The table of all methods, also of those that have failed.
                listed += [line for line in rows if line.tuned == tuned and line not in listed]
            cells = [
                table_row(line, columns, ranking.mark(line) if ranking else "", cell)
                for line in listed
            ]
            if cells:
                title = cell(f"{discipline.name}{manner}")
                found.append(Sheet(title, headers(columns), cells, ranking))
    return found


def lasting_sheet(rows: Sequence[Line], cell: Escape) -> Sheet | None:
    """The last table; None where durability was not measured."""
    if not any(line.all("relearn_steps") for line in rows):
        return None
    titles = ["method", "needs", *(column.title for column in LASTING)]
    cells = [lasting_row(line, cell) for line in rows]
    return Sheet("who bears the loss, and what lasts", titles, cells, None)


def matching(rows: Iterable[Line]) -> list[str]:
    """A sentence on how many non-members are of the speaker whose utterance they stand beside."""
    found = [share for line in rows for share in line.all("match_speaker_share")]
    if not found:
        return []
    return [
        "Attacks compare each forgotten utterance with an unseen one; "
        f"{sum(found) / len(found):.0%} of these are of the same speaker."
    ]


def faults(corpus: str) -> list[str]:
    """A sentence on what the corpus's card knows to be wrong with the recordings."""
    notes = load_card(corpus).faults.notes if corpus in card_names() else []
    return [f"Known of the recordings of {corpus}: {' '.join(notes)}"] if notes else []


def render(records: Iterable[Record], style: Format) -> str:
    """The standardised tables of each corpus, recipe and scenario.

    Args:
        records: whose results to show.
        style: "terminal", "github" and "latex" show means with intervals; "csv" and "json" hold
            every metric of every record.
    """
    if style in ("csv", "json"):
        return _as_csv(records) if style == "csv" else _as_json(records)
    rows = lines(records)
    if not rows:
        return "There are no records to show."
    prose = style != "latex"
    parts = []
    for key, chosen in by_table(rows).items():
        where = CELLS[style]("{}, recipe {}, scenario {}".format(*key))
        for sheet in sheets(chosen, CELLS[style]):
            parts.append(_titled(where, sheet, style))
            if sheet.standings and prose:
                parts.append(" ".join(conclusions(sheet.standings, ESCAPES[style])))
        if last := lasting_sheet(chosen, CELLS[style]):
            parts.append(_titled(where, last, style))
        if prose:
            parts += matching(chosen)
            parts += map(ESCAPES[style], faults(key[0]))
    legend = [LEGEND, INTERVALS] if prose else []
    return "\n\n".join([*parts, *legend, *notes(rows, ESCAPES[style])])


def _titled(where: str, sheet: Sheet, style: Format) -> str:
    from tabulate import tabulate

    table_format = {"terminal": "simple", "github": "github", "latex": "latex_booktabs"}[style]
    titles = sheet.headers
    if style == "terminal":
        # A terminal is narrow: headers break where a column's title has two words.
        titles = [header.replace(" ", "\n", 1) for header in titles]
    text = tabulate(
        sheet.cells,
        headers=titles,
        tablefmt=table_format,
        disable_numparse=True,
        colalign=sheet.alignment,
    )
    title = f"{where}: {sheet.title}"
    heading = {"terminal": title, "github": f"### {title}", "latex": f"% {title}"}[style]
    if style == "latex":
        text = text.replace("–", "--")
    return f"{heading}\n\n{text}" if style == "github" else f"{heading}\n{text}"


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
