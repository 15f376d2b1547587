"""Details: all of every record that a row opens, and that is downloaded, in little room."""

from __future__ import annotations

import base64
import gzip
import json
import shlex
from typing import Any

from ser_unlearn.report.links import file_of, paper_address
from ser_unlearn.report.parts import SUITE
from ser_unlearn.report.plots.points import rounded
from ser_unlearn.results.meanings import METRICS
from ser_unlearn.results.records import Record

KINDS = ("emotion", "speaker", "gender")
"""How a corpus is divided to see who bears the harm."""

COLUMNS = (
    *("label", "corpus", "recipe", "scenario", "model", "forget", "method", "status", "reason"),
    *("setting", "origin", "own"),
    *(f"worst_{kind}" for kind in KINDS),
)
"""Of a run, before its metrics. Texts are numbers in the list of all texts, settings and origins
in those of them."""


class Details:
    """Gathers records, each as a short list of numbers."""

    def __init__(self) -> None:
        self._metrics = {name: place for place, name in enumerate(METRICS)}
        self._texts: dict[str, int] = {}
        self._settings: dict[str, int] = {}
        self._origins: dict[str, int] = {}
        self._runs: list[list[float | None]] = []

    def add(self, record: Record, own: bool) -> None:
        """Keep what the page shows of a record; `own` says that it is beside the suite."""
        seeds = record.seeds
        run: list[float | None] = [
            *map(self._text, (record.label, record.corpus, record.recogniser, record.scenario)),
            *(seeds.model, seeds.forget, seeds.method),
            *map(self._text, (record.status, record.reason)),
            _number(self._settings, _setting(record)),
            _number(self._origins, record.provenance.model_dump(mode="json")),
            int(own),
            *(self._text(_worst(record, kind)) for kind in KINDS),
        ]
        values = (record.metrics.get(name) for name in self._metrics)
        self._runs.append(run + [value if value is None else rounded(value) for value in values])

    def packed(self) -> str:
        """All of it as JSON, compressed with gzip, in base64."""
        text = json.dumps(
            {
                "columns": [*COLUMNS, *self._metrics],
                "texts": list(self._texts),
                "settings": [json.loads(each) for each in self._settings],
                "origins": [json.loads(each) for each in self._origins],
                "runs": self._runs,
            },
            separators=(",", ":"),
            allow_nan=False,
        )
        return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()

    def _text(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))


def _number(known: dict[str, int], value: dict[str, Any]) -> int:
    return known.setdefault(json.dumps(value, sort_keys=True), len(known))


def _worst(record: Record, kind: str) -> str:
    """The group that lost most, and where; empty if it is not known."""
    found = record.worst.get(kind)
    return "" if found is None else f"{found.group} ({found.set})"


def _setting(record: Record) -> dict[str, Any]:
    """What every run of a row has in common."""
    return {
        "method": record.method,
        "file": file_of(record.method),
        "reference": record.reference,
        "paper": paper_address(record.reference),
        "parameters": record.parameters,
        "tuned": None if record.tuned is None else record.tuned.model_dump(),
        "command": command(record),
    }


def command(record: Record) -> str:
    """What makes the records of a row again, in a folder of their own; the suite's tables all."""
    row, bracket, changes = record.label.partition("[")
    words = ["ser-unlearn", "run", SUITE, "--method", row]
    settings = changes.removesuffix("]").split(",") if bracket else []
    if record.tuned is not None:
        settings = [f"{name}={_said(value)}" for name, value in record.parameters.items()]
    for setting in settings:
        words += ["--set", f"{record.method}.{setting}"]
    return shlex.join([*words, "--results", "again"])


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
