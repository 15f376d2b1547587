"""Made-up records of a small field of methods, and the pages that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from toys import make_record

from ser_unlearn.report.leaderboard import make_leaderboard
from ser_unlearn.results.records import Record, write_record

TABLES = (("ravdess", "random:16"), ("ravdess", "speaker:1"), ("ased", "random:64"))
"""Of the suite `paper`."""

# Label, needs, distance, price, points of test accuracy lost, and whether attacks tell it.
ROWS: tuple[tuple[str, tuple[str, ...], float, float, float, float], ...] = (
    ("original", (), 3.0, 0.0, 0.0, 1.0),
    ("retrain", ("retain",), 1.0, 1.0, 0.5, 0.0),
    ("npo", ("forget",), 1.5, 0.02, 2.0, 0.0),
    ("gradient_ascent", ("forget",), 5.0, 0.01, 30.0, 1.0),
    ("finetune", ("retain",), 1.3, 0.2, 1.0, 0.0),
    ("scrub", ("forget", "retain"), 1.2, 0.3, 1.5, 0.0),
    ("ssd", ("forget", "statistics"), 2.0, 0.002, 4.0, 0.0),
)


def found_by(*names: str) -> dict[str, Any]:
    """What attacks of these names found."""
    span = (0.5, 0.4, 0.6)
    found = {"auc": span, "tpr_at_1fpr": span, "references": [0.5, 0.5], "told": False}
    return dict.fromkeys(names, found)


def field(
    rows: Sequence[tuple[Any, ...]] = ROWS,
    tables: Sequence[tuple[str, str]] = TABLES,
    runs: int = 6,
    **changes: Any,
) -> list[Record]:
    """A record for each row, table and run; distances differ by a few percent from run to run."""
    noise = np.exp(0.03 * np.random.default_rng(0).normal(size=(len(rows), len(tables), runs)))
    return [
        make_record(
            corpus=corpus,
            scenario=scenario,
            label=label,
            method=label.partition("-")[0].partition("[")[0],
            needs=list(needs),
            reference="Someone et al. 2024, arXiv:2404.05868",
            seeds={"model": run, "forget": run, "method": 0},
            metrics={
                "distance": distance * noise[row, table, run],
                "divergence_original": 0.1 if needs else 0.0,
                "told_from_retrained": told,
                "flops_ratio": price,
                "test_accuracy_drop": loss,
                "forgetting_rate": 0.95 if loss > 10 else 0.4,
                "worst_emotion_drop": 2 * loss,
                "worst_speaker_drop": loss,
                "quantised_return": 1.0,
                "pruned_return": 6.0,
                "relearn_steps": 8.0,
                "runtime_s": 0.01 if label == "ssd" else 4.0,
            },
            curve=[(price / 2, 1.0), (price, 0.6)] if label == "npo" else [],
            worst={"emotion": {"set": "test", "group": "angry"}},
            **{"references": 5, "attacks": found_by("loss", "iam"), **changes},
        )
        for row, (label, needs, distance, price, loss, told) in enumerate(rows)
        for table, (corpus, scenario) in enumerate(tables)
        for run in range(runs)
    ]


def write(results: Path, records: Sequence[Record]) -> None:
    """Write records below a folder."""
    for record in records:
        write_record(results, record)


def leaderboard_of(results: Path) -> str:
    """The leaderboard of the records below a folder."""
    page = results / "leaderboard.md"
    return make_leaderboard(results, page)[page]


def in_order(text: str, parts: Sequence[str]) -> bool:
    """Whether a text holds these parts, each behind the one before."""
    place = 0
    for part in parts:
        place = text.find(part, place) + 1
        if not place:
            return False
    return True
