"""Views: what the page shows of a corpus, recipe and scenario, or of all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from ser_unlearn.report.lines import Line, over_tables
from ser_unlearn.report.parts import Part
from ser_unlearn.report.plots.curves import curves
from ser_unlearn.report.plots.points import cells, groups, points
from ser_unlearn.report.remarks import caveats, faults
from ser_unlearn.report.sentences import answers, conclusions
from ser_unlearn.report.sheets import sheets
from ser_unlearn.report.standings import UNHEARD

ALL = ""
"""In the place of a corpus, recipe or scenario: every one."""

View = dict[str, Any]


def views(part: Part) -> Iterator[View]:
    """Every choice of corpus, recipe and scenario of a part for which there are records.

    What shows the same tables as an earlier one refers to it by its number in `same`.
    """
    tables = list(dict.fromkeys(line.tables[0] for line in part.rows))
    options = [[ALL, *dict.fromkeys(table[place] for table in tables)] for place in range(3)]
    seen: dict[tuple[object, ...], int] = {}
    for number, choice in enumerate(product(*options)):
        chosen = tuple(
            table
            for table in tables
            if all(want in (ALL, has) for want, has in zip(choice, table, strict=True))
        )
        if not chosen:
            continue
        where = dict(zip(("corpus", "recipe", "scenario"), choice, strict=True))
        if chosen in seen:
            yield {**where, "number": number, "same": seen[chosen]}
            continue
        seen[chosen] = number
        rows = [line for line in part.rows if line.tables[0] in chosen]
        yield {**where, "number": number, "tables": len(chosen), **_shown(rows, len(chosen))}


def _shown(rows: list[Line], tables: int) -> View:
    """What is seen of some tables: sentences, and for each aim rows, groups and cells."""
    overall = over_tables(rows)
    corpora = dict.fromkeys(line.tables[0][0] for line in rows)
    aims = []
    found_sheets = sheets(overall)
    for sheet in found_sheets:
        found = points(sheet)
        labels = [point["label"] for point in found]
        aims.append(
            {
                "title": sheet.title,
                "metric": sheet.columns[0].metric,
                "rows": found,
                "groups": groups(sheet),
                "cells": cells(rows, sheet.columns[0], labels) if tables > 1 else [],
                "curves": curves(sheet),
                "sentences": conclusions(sheet.standings) if sheet.standings else [],
            }
        )
    return {
        "answers": answers(
            next((each.standings for each in found_sheets if each.title == UNHEARD.name), None)
        ),
        "remarks": [*caveats(rows), *(each for corpus in corpora for each in faults(corpus))],
        "aims": aims,
    }
