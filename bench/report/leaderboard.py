"""The leaderboard: a page made from the records alone, with the answer on its first screen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill

from tabulate import tabulate

from ser_unlearn.report.lines import Line, Table, by_table, notes
from ser_unlearn.report.outcomes import outcome_of
from ser_unlearn.report.overview import CAPTION, HEADERS, overview
from ser_unlearn.report.parts import SUITE, Part, parts
from ser_unlearn.report.plots.drawing import themed_svg
from ser_unlearn.report.plots.points import needs_of, points
from ser_unlearn.report.plots.scatter import scatter
from ser_unlearn.report.plots.themes import SCREEN
from ser_unlearn.report.remarks import INTERVALS, caveats, faults, matching
from ser_unlearn.report.sentences import answers, conclusions
from ser_unlearn.report.sheets import Sheet, lasting_sheet, sheets
from ser_unlearn.report.standings import (
    LEGEND,
    UNHEARD,
    WIPED_OUT,
    Discipline,
    Standings,
    standings,
)
from ser_unlearn.report.text import markdown
from ser_unlearn.results.files import write_text
from ser_unlearn.results.records import read_records

FIGURES = {
    UNHEARD: Path("figures", "distance-against-price.svg"),
    WIPED_OUT: Path("figures", "loss-against-price.svg"),
}
"""A drawing of each discipline, below the results folder."""

WIDTH = 640
"""Of a drawing, in pixels."""

HEAD = """\
# Leaderboard

Which method should remove recordings from a speech emotion recogniser? The **distance** says how
far a model is from retraining without them: 1 is one more retrained model.
"""

GLOSSARY = f"""\
<details>
<summary>How to read this page</summary>

There are two aims, and tables for each: *as if never heard* ranks by the **distance** from
retraining without the recordings, in units of how far retrained models are from each other (1 is
ideal); *wiped out* ranks what forgets at least 92 % by the test accuracy lost.

{fill(f"Marks: {LEGEND}", 100)}

{fill(INTERVALS, 100)}
Means over tables; runs that share an original count as one. Tests speak of these corpora, recipes
and scenarios, not of others. A speed-up is "instant" where the method takes less than a tenth of a
second. The README explains every column.

This page is made by `ser-unlearn leaderboard` from the records in `results/`; do not edit it.

</details>
"""


def make_leaderboard(results: Path, page: Path) -> dict[Path, str]:
    """The leaderboard and its drawings, from all records below a folder.

    Args:
        results: the folder; the drawings belong into it.
        page: where the leaderboard belongs.

    Returns:
        Texts by the files that they belong into.

    Raises:
        UserError: if a record, or the card of a corpus, is damaged.
    """
    found = parts(map(outcome_of, read_records(results)))
    if not found:
        return {page: f"{HEAD}\nThere are no records yet.\n"}
    first, *others = found
    overall = sheets(first.overall)
    drawings = draw(overall, first)
    pictures = {each: _picture(results / FIGURES[each], page) for each in drawings}
    texts = [
        HEAD,
        *_first_screen(first),
        *_disciplines(overall, first, pictures),
        *_tables(first, 2),
    ]
    for part in others:
        texts.append(f"## {part.title}\n")
        texts += [f"- {sentence}" for sentence in _answers(part)]
        texts += ["", *_tables(part, 3)]
    texts.append(GLOSSARY)
    files = {results / FIGURES[each]: drawing for each, drawing in drawings.items()}
    return {page: "\n".join(texts), **files}


def write_leaderboard(results: Path, page: Path) -> None:
    """Make the page and its drawings anew from the records below a folder."""
    for path, text in make_leaderboard(results, page).items():
        write_text(path, text)


def is_current(results: Path, page: Path) -> bool:
    """Whether page and drawings on disk are what the records make."""
    return all(
        path.exists() and path.read_bytes() == text.encode()
        for path, text in make_leaderboard(results, page).items()
    )


def draw(overall: Iterable[Sheet], part: Part) -> dict[Discipline, str]:
    """Distance, and loss, against price over all tables, as SVG; none where nobody competes."""
    found: dict[Discipline, str] = {}
    for sheet in overall:
        ranking = sheet.standings
        if ranking and ranking.discipline not in found:
            spec = scatter(SCREEN, ranking.discipline, needs_of(part.rows)) | {"width": WIDTH}
            found[ranking.discipline] = themed_svg(spec, {"rows": points(sheet)})
    return found


def _picture(file: Path, page: Path) -> str:
    title = file.stem.replace("-", " ").capitalize()
    return f"![{title}]({Path(os.path.relpath(file, page.parent)).as_posix()})\n"


def _answers(part: Part) -> list[str]:
    return answers(standings(part.overall, UNHEARD), markdown)


def _first_screen(part: Part) -> Iterator[str]:
    if part.own:
        yield f"There are no records of the suite `{SUITE}` yet; these are others.\n"
    if part.lacking:
        yield f"{_coverage(part)}\n"
    overall = part.overall
    yield from (f"- {sentence}" for sentence in (*_answers(part), *caveats(overall)))
    yield ""
    yield _markdown(list(HEADERS), overview(overall), ["left", "left", *["right"] * 5]) + "\n"
    yield f"{CAPTION}\n"


def _coverage(part: Part) -> str:
    """Which tables of the suite there are."""
    there = list(by_table(part.rows))
    known = "; ".join(" ".join(map(markdown, (corpus, scenario))) for corpus, _, scenario in there)
    total = len(there) + len(part.lacking)
    return f"So far there are records of {len(there)} of the {total} tables of `{SUITE}`: {known}."


def _disciplines(
    overall: Iterable[Sheet], part: Part, pictures: Mapping[Discipline, str]
) -> Iterator[str]:
    for sheet in overall:
        yield f"## {_heading(sheet)}\n"
        if sheet.standings:
            yield from (f"{each}\n" for each in conclusions(sheet.standings, markdown))
            yield from (f"{each}\n" for each in _gaps(sheet.standings, list(by_table(part.rows))))
            yield pictures[sheet.standings.discipline]
        yield _folded(f"All columns: {markdown(sheet.title)}", _sheet(sheet))


def _tables(part: Part, level: int) -> Iterator[str]:
    """The tables of each corpus, recipe and scenario, folded, below a heading of a level."""
    yield f"{'#' * level} By corpus and scenario\n"
    for key, chosen in by_table(part.rows).items():
        inside = [_origin(chosen), *map(markdown, faults(key[0])), *caveats(chosen)]
        for sheet in sheets(chosen):
            inside += [f"### {_heading(sheet)}", _sheet(sheet)]
            inside += conclusions(sheet.standings, markdown) if sheet.standings else []
        if last := lasting_sheet(chosen):
            inside += ["### Who bears the loss, and does forgetting last?", _sheet(last)]
        inside += [*matching(chosen), *notes(chosen, markdown)]
        summary = "{}, recipe {}, scenario {}".format(*map(markdown, key))
        yield _folded(summary, "\n\n".join(inside))


def _heading(sheet: Sheet) -> str:
    return markdown(sheet.title[:1].upper() + sheet.title[1:])


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


def _folded(summary: str, text: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>\n"


def _sheet(sheet: Sheet) -> str:
    return _markdown(sheet.headers, sheet.cells(markdown), sheet.alignment)


def _markdown(headers: list[str], cells: list[list[str]], alignment: Sequence[str]) -> str:
    return tabulate(
        cells,
        headers=headers,
        tablefmt="github",
        disable_numparse=True,
        colalign=alignment,
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
