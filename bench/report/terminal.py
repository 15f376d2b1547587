"""Tables on a terminal, as wide as it is: the more room, the more columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

from rich.cells import cell_len, set_cell_size

from ser_unlearn.report.columns import DISTANCE, FLOPS, LOSS, runs, told
from ser_unlearn.report.lines import Line, by_table, notes, over_tables
from ser_unlearn.report.remarks import INTERVALS, caveats, faults, matching
from ser_unlearn.report.sentences import answers, conclusions
from ser_unlearn.report.sheets import Sheet, by_needs, lasting_sheet, sheets
from ser_unlearn.report.standings import (
    DEAR,
    INCOMPLETE,
    LIKE_ORIGINAL,
    MEANINGS,
    SYMBOLS,
    TOLD,
    UNCHANGED,
    UNHEARD,
    WORSE,
    standings,
)
from ser_unlearn.results.names import shown

CODES = {
    **{mark: mark for mark in SYMBOLS},
    **{TOLD: "t", UNCHANGED: "u", LIKE_ORIGINAL: "o", WORSE: "w", INCOMPLETE: "i", DEAR: "d"},
}
"""Marks where there is no room for words."""

LONGEST = 32
"""Characters of a label where columns are left out for want of room."""

SHORTEST = 8

PROSE = 100
"""Characters of a line of prose where tables have as many as they take."""

SCREEN = 40
"""Lines after which what opened the output has left the screen, and is said again."""


def on_terminal(rows: Sequence[Line], width: int | None) -> str:
    """The answers, the table over all tables, and each table.

    Args:
        rows: of all tables.
        width: characters of a line; None for as many as all columns take.
    """
    tables = by_table(rows)
    overall = over_tables(rows)
    short = answers(standings(overall, UNHEARD))
    parts = list(short)
    if len(tables) > 1:
        parts += _section(f"over all {len(tables)} tables", overall, width)
    for key, chosen in tables.items():
        parts += _section("{}, recipe {}, scenario {}".format(*map(shown, key)), chosen, width)
        parts += [*matching(chosen), *map(shown, faults(key[0]))]
    parts += [_legend(width), INTERVALS, *notes(rows)]
    if sum(part.count("\n") + 1 for part in parts) > SCREEN:
        parts += ["In short:", *short] if short else []
    return "\n\n".join(_wrapped(part, width) for part in parts)


def _section(where: str, rows: Sequence[Line], width: int | None) -> Iterator[str]:
    yield from caveats(rows)
    for sheet in sheets(rows):
        yield _titled(f"{where}: {shown(sheet.title)}", sheet, width)
        if sheet.standings:
            yield " ".join(conclusions(sheet.standings))
    if last := lasting_sheet(rows):
        yield _titled(f"{where}: {last.title}", last, width)


def _titled(title: str, sheet: Sheet, width: int | None) -> str:
    return f"{_wrapped(title, width)}\n{_table(sheet, width)}"


def _wrapped(text: str, width: int | None) -> str:
    """Prose in lines that fit; tables, which have several, fit already."""
    return text if "\n" in text else fill(text, width or PROSE, break_on_hyphens=False)


def _legend(width: int | None) -> str:
    if width is None:
        return "; ".join(f"{mark}: {text}" for mark, text in MEANINGS.items()) + "."
    return "; ".join(
        f"{mark} {text}" if mark in SYMBOLS else f"{CODES[mark]} {mark}: {text}"
        for mark, text in MEANINGS.items()
    )


@dataclass(frozen=True)
class _Choice:
    """A column as it may be shown."""

    title: str
    cell: Callable[[Line], str]
    rank: int
    """The lower, the sooner it is given room; 0 for what is always there. A later choice takes the
    place of an earlier one with the same title."""


def _choices(sheet: Sheet) -> list[_Choice]:
    """All columns, from left to right, the narrower form of each in front."""
    found = []
    if not sheet.lasting:
        found += [
            _Choice("mark", lambda line: "".join(CODES[each] for each in sheet.marks(line)), 0),
            _Choice("mark", lambda line: ", ".join(sheet.marks(line)), 2),
        ]
    for place, column in enumerate(sheet.columns):
        kept = not sheet.lasting and (place == 0 or column in (LOSS, FLOPS))
        found.append(_Choice(column.title, column.mean, 0 if kept else 3 + place))
        if column.spread:
            rank = 0 if place == 0 else 1 if column is LOSS else 30 + place
            found.append(_Choice(column.title, column.cell, rank))
        if place == 0 and not sheet.lasting:
            found.append(_Choice("told", told, 0))
    return [*found, _Choice("runs", runs, 20)]


def _table(sheet: Sheet, width: int | None) -> str:
    """The table with the columns for which there is room."""
    first = DISTANCE if sheet.lasting else sheet.columns[0]
    grouped = by_needs(sheet.rows, first)
    choices = _choices(sheet)
    # Each cell is computed once, whatever is tried.
    filled = {
        id(choice): _filled(choice.title, [_cells(choice, rows) for rows in grouped.values()])
        for choice in choices
    }

    def text(chosen: Sequence[_Choice], longest: int | None) -> list[str]:
        latest = {choice.title: choice for choice in chosen}.values()
        return _lines([_labels(grouped, longest), *(filled[id(choice)] for choice in latest)])

    if width is None:
        return "\n".join(text(choices, None))
    chosen = [choice for choice in choices if choice.rank == 0]
    for choice in sorted(choices, key=lambda each: each.rank):
        tried = [each for each in choices if each in chosen or each is choice]
        if _width(text(tried, LONGEST)) <= width:
            chosen = tried
    over = _width(text(chosen, LONGEST)) - width
    room = _width(_labels(grouped, LONGEST)) - max(0, over)
    return "\n".join(text(chosen, max(SHORTEST, room)))


def _cells(choice: _Choice, rows: Sequence[Line]) -> list[str]:
    return ["", *(choice.cell(line) for line in rows)]


def _filled(title: str, groups: Sequence[Sequence[str]]) -> list[str]:
    """A column: two lines for its title, a rule, and its cells."""
    # A terminal is narrow: a title of two words breaks.
    first, _, second = title.partition(" ")
    cells = [second and first, second or first, *(cell for group in groups for cell in group)]
    widest = max(map(cell_len, cells))
    padded = [_padded(cell, widest, left=title in ("method", "mark")) for cell in cells]
    return [*padded[:2], "-" * widest, *padded[2:]]


def _padded(text: str, width: int, *, left: bool) -> str:
    blank = " " * (width - cell_len(text))
    return text + blank if left else blank + text


def _labels(grouped: Mapping[tuple[str, ...], Sequence[Line]], longest: int | None) -> list[str]:
    """The column of labels, with a line above those that need the same data."""
    groups = [
        [_cut(f"needs {', '.join(needs) or 'nothing'}", longest)]
        + [_cut(line.label, longest) for line in rows]
        for needs, rows in grouped.items()
    ]
    return _filled("method", groups)


def _cut(text: str, longest: int | None) -> str:
    """A text in one line; of a longer one the middle is left out."""
    line = shown(text)
    if longest is None or cell_len(line) <= longest:
        return line
    half = (longest - 3) // 2
    return f"{set_cell_size(line, half).rstrip()}...{_end(line, longest - 3 - half)}"


def _end(text: str, width: int) -> str:
    while cell_len(text) > width:
        text = text[1:]
    return text


def _lines(columns: Sequence[Sequence[str]]) -> list[str]:
    rows = ("  ".join(row).rstrip() for row in zip(*columns, strict=True))
    return [row for row in rows if row]


def _width(lines: Sequence[str]) -> int:
    return max(map(cell_len, lines))
