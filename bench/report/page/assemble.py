"""Assembly: records, script and style become one file, which asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ser_unlearn.report.columns import FLOPS, LASTING, LOSS, columns_of
from ser_unlearn.report.outcomes import outcome_of
from ser_unlearn.report.page.details import Details
from ser_unlearn.report.page.views import View, views
from ser_unlearn.report.parts import SUITE, Part, asked, belongs, parts
from ser_unlearn.report.plots.catalogue import PLOTS
from ser_unlearn.report.plots.drawing import library
from ser_unlearn.report.plots.points import needs_of
from ser_unlearn.report.plots.themes import SCREEN, stylesheet
from ser_unlearn.report.standings import DISCIPLINES, MEANINGS, Discipline
from ser_unlearn.results.meanings import METRICS
from ser_unlearn.results.names import shown
from ser_unlearn.results.records import Record
from ser_unlearn.runner.suite import load_suite

FOLDER = Path(__file__).parent


def make_page(records: Iterable[Record]) -> str:
    """The page of some records, as HTML.

    What is seen first stands in front; each further view, and the runs, are read when they are
    asked for.
    """
    suite, details, outcomes = load_suite(SUITE), Details(), []
    tables = asked(suite)
    for record in records:
        outcome = outcome_of(record)
        outcomes.append(outcome)
        details.add(record, own=not belongs(outcome, suite, tables))
    found = parts(outcomes)
    shown_views = [list(views(part)) for part in found]
    blocks = [
        _data(f"view-{number}-{view['number']}", view)
        for number, each in enumerate(shown_views)
        for view in each
        if "same" not in view
    ]
    script, drawing = _text("page.js"), library()
    return Template(_text("page.html")).substitute(
        policy=_policy(script, drawing),
        style=stylesheet() + _text("page.css"),
        answers=_items(shown_views[0][0]["answers"]) if found else "",
        marks="".join(
            f"<div><dt>{escape(mark)}</dt><dd>{escape(text)}</dd></div>"
            for mark, text in MEANINGS.items()
        ),
        figures="".join(map(_figure, PLOTS)),
        setup=_json(_setup(found, shown_views)),
        first="".join(blocks[:1]),
        script=script,
        views="".join(blocks[1:]),
        runs=details.packed(),
        library=drawing,
        licences=_text("licences.txt"),
    )


def _setup(found: Sequence[Part], shown_views: Sequence[Sequence[View]]) -> dict[str, Any]:
    """What the script has to know before it looks at anything."""
    needs = needs_of(line for part in found for line in part.rows)
    return {
        "needs": needs,
        "parts": [
            {
                "title": part.title,
                "own": part.own,
                "views": [{key: view[key] for key in _PLACE if key in view} for view in part_views],
            }
            for part, part_views in zip(found, shown_views, strict=True)
        ],
        "columns": {each.metric: _columns(each) for each in DISCIPLINES},
        "plots": [
            {
                "name": plot.name,
                "field": plot.field,
                "data": plot.data,
                "specs": {each.metric: plot.make(SCREEN, each, needs) for each in DISCIPLINES},
            }
            for plot in PLOTS
        ],
    }


_PLACE = ("corpus", "recipe", "scenario", "number", "same")


def _columns(discipline: Discipline) -> list[dict[str, Any]]:
    """The columns of the table: those that answer in front, then all others."""
    first, *others = columns_of(discipline)
    numbers = [
        {
            "key": column.metric,
            "title": column.title,
            "digits": column.digits,
            "meaning": METRICS[column.metric].meaning,
        }
        for column in dict.fromkeys((first, LOSS, FLOPS, *others, *LASTING))
    ]
    told = {
        "key": "told",
        "title": "told",
        "meaning": "in how many runs an attack tells the model from retrained ones",
    }
    words = [
        {"key": "needs", "title": "needs", "words": True, "meaning": "the data it takes"},
        {"key": "marks", "title": "marks", "words": True, "meaning": "see below the table"},
    ]
    front = 2 if first is LOSS else 3
    runs = {"key": "runs", "title": "runs", "words": True, "meaning": "how many are done"}
    return [numbers[0], told, *numbers[1:front], *words, *numbers[front:], runs]


def _figure(plot: Any) -> str:
    return (
        f'<figure id="plot-{plot.name}" hidden><h2>{escape(plot.title)}</h2>'
        f"<figcaption>{escape(plot.meaning)}</figcaption>"
        f'<div class="plot" role="img" aria-label="{escape(plot.title)}"></div></figure>'
    )


def _items(sentences: Iterable[str]) -> str:
    return "".join(f"<li>{escape(shown(sentence))}</li>" for sentence in sentences)


def _data(name: str, value: Any) -> str:
    return f'<script type="application/json" id="{name}">{_json(value)}</script>\n'


def _json(value: Any) -> str:
    """Data for a script element, which no text in them can end."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """What the page may do: run these scripts, and reach nothing."""
    hashes = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
