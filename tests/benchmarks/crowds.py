"""Results folders of any size, made from the records that the project holds.

`python tests/benchmarks/crowds.py FOLDER COUNT` makes one: every record many times over, with other
seeds and on corpora of other names. They are whole and lie where they belong; their numbers, and
so what a leaderboard says of them, mean nothing.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ser_unlearn.results.records import Record, read_records

RESULTS = Path(__file__).parents[2] / "results"

TIMES = 3
"""How many times as many model seeds, and forget seeds, every copy of a table has."""


def crowd(count: int) -> Iterator[Record]:
    """So many records: tables with nine times the runs, then the same of other corpora."""
    own = list(read_records(RESULTS))
    models = 1 + max(record.seeds.model for record in own)
    forgets = 1 + max(record.seeds.forget for record in own)
    made = (
        record.model_copy(
            update={
                "corpus": f"{record.corpus}-{corpus}",
                "seeds": record.seeds.model_copy(
                    update={
                        "model": record.seeds.model + model * models,
                        "forget": record.seeds.forget + forget * forgets,
                    }
                ),
            }
        )
        for corpus in itertools.count()
        for model, forget in itertools.product(range(TIMES), range(TIMES))
        for record in own
    )
    return itertools.islice(made, count)


def write(results: Path, record: Record) -> None:
    """Write a record as `write_record` does, but without a temporary file."""
    path = results / record.path
    path.parent.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = record.model_dump(mode="json")
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in crowd(int(sys.argv[2])):
        write(Path(sys.argv[1]), each)
