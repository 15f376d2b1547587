"""The leaderboard: a page made from the records alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill

from tabulate import tabulate

from ser_unlearn.report.lines import Line, Table, by_table, lines, notes, over_tables
from ser_unlearn.report.standings import LEGEND, Standings, conclusions
from ser_unlearn.report.tables import INTERVALS, Sheet, faults, lasting_sheet, matching, sheets
from ser_unlearn.report.text import markdown
from ser_unlearn.results.files import write_text
from ser_unlearn.results.records import read_records

HEAD = f"""\
# Leaderboard

Which method should remove recordings from a speech emotion recogniser? There are two aims, and a
table for each: *as if never heard* ranks by the **distance** from retraining without the
recordings, in units of how far retrained models are from each other (1 is ideal); *wiped out* ranks
what forgets at least 92 % by the test accuracy lost. The README explains every column.

{fill(f"Marks: {LEGEND}", 100)}

{fill(INTERVALS, 100)}
Tests speak of these corpora, recipes and scenarios, not of others.

This page is made by `ser-unlearn leaderboard` from the records in `results/`; do not edit it.
"""


def make_leaderboard(results: Path) -> str:
    """The text of the leaderboard, from all records below a folder.

    Raises:
        UserError: if a record, or the card of a corpus, is damaged.
    """
    rows = lines(read_records(results))
    if not rows:
        return f"{HEAD}\nThere are no records yet.\n"
    tables = by_table(rows)
    parts = [HEAD]
    if len(tables) > 1:
        parts.append("## Over all tables\n")
        parts.append("Means over tables; runs that share an original count as one.\n")
        for sheet in sheets(over_tables(rows), markdown):
            parts += _section(sheet)
            if sheet.standings:
                parts += [f"{each}\n" for each in _gaps(sheet.standings, list(tables))]
    for key, chosen in tables.items():
        parts.append("## {}, recipe {}, scenario {}\n".format(*map(markdown, key)))
        parts.append(_origin(chosen) + "\n")
        parts += [f"{each}\n" for each in map(markdown, faults(key[0]))]
        for sheet in sheets(chosen, markdown):
            parts += _section(sheet)
        if last := lasting_sheet(chosen, markdown):
            parts.append(_folded("Who bears the loss, and does forgetting last?", last) + "\n")
        parts += [f"{each}\n" for each in (*matching(chosen), *notes(chosen, markdown))]
    return "\n".join(parts)


def write_leaderboard(results: Path, page: Path) -> None:
    """Make the page anew from the records below a folder."""
    write_text(page, make_leaderboard(results))


def is_current(results: Path, page: Path) -> bool:
    """Whether the page on disk is what the records make."""
    return page.exists() and page.read_bytes() == make_leaderboard(results).encode()


def _section(sheet: Sheet) -> list[str]:
    title = sheet.title[:1].upper() + sheet.title[1:]
    sentences = conclusions(sheet.standings, markdown) if sheet.standings else []
    return [f"### {title}\n", _markdown(sheet) + "\n", *(f"{each}\n" for each in sentences)]


def _gaps(found: Standings, tables: Sequence[Table]) -> list[str]:
    """A sentence for each row that lacks a table."""
    sentences = []
    for line in found.rows:
        has = {run.table for run in line.runs(found.discipline.metric)}
        lacks = [", ".join(map(markdown, key)) for key in tables if key not in has]
        if lacks:
            sentences.append(
                f"{markdown(line.label)} has no result in {len(lacks)} of {len(tables)} tables "
                f"({'; '.join(lacks)}); it is ranked by how it compares in the others."
            )
    return sentences


def _folded(summary: str, sheet: Sheet) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{_markdown(sheet)}\n\n</details>"


def _markdown(sheet: Sheet) -> str:
    return tabulate(
        sheet.cells,
        headers=sheet.headers,
        tablefmt="github",
        disable_numparse=True,
        colalign=sheet.alignment,
    )


def _origin(rows: Iterable[Line]) -> str:
    """Runs, sizes, code and machine of a table's records."""
    outcomes = [outcome for line in rows for outcome in line.outcomes]
    runs = {outcome.run for outcome in outcomes}
    commits = sorted({commit for outcome in outcomes for commit in outcome.commits})
    sizes = sorted({outcome.forget for outcome in outcomes})
    count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    machines = sorted({outcome.machine for outcome in outcomes})
    return (
        f"{len(runs)} runs; to be forgotten are {count} of {outcomes[0].train} training "
        f"utterances; commit {', '.join(commits) or 'unknown'}; {markdown('; '.join(machines))}, "
        "one thread."
    )
