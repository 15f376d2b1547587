"""What the scripts here share: the requests of tuning, and models for them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Provenance
from ser_unlearn.runner.grid import Options, place_of
from ser_unlearn.runner.local import LOCAL
from ser_unlearn.runner.places import Place
from ser_unlearn.runner.suite import FIRST_TUNING_SEED
from ser_unlearn.runner.trainings import Training
from ser_unlearn.unlearning.registry import Row

HERE = Path(__file__).parent
CORPORA = ("espeak", "emodb")


@dataclass(frozen=True)
class Ground:
    """Where a script runs, and on what."""

    places: dict[str, Place]
    """By the corpus."""
    seeds: range
    origin: Provenance
    workers: int | None

    def train(self, scenarios: Sequence[str], references: int) -> None:
        """Train the originals, and then the references: of whom to forget, an original may say."""
        self.done(
            [Training(self.places[each], seed) for each, seed in product(CORPORA, self.seeds)]
        )
        self.done(
            [
                Training(self.places[corpus], seed, scenario, seed, number)
                for corpus, scenario, seed in product(CORPORA, scenarios, self.seeds)
                for number in range(references)
            ]
        )

    def done(self, jobs: Sequence[Any]) -> list[Any]:
        """What jobs give, in their order."""
        count = LOCAL.count(self.workers, "cpu", len(jobs))
        outcomes = LOCAL.outcomes(iter(enumerate(jobs)), count)
        return [outcome for _, outcome in sorted(outcomes, key=lambda each: each[0])]

    def write(self, name: str, rows: Iterable[Row], runs: Sequence[Mapping[str, Any]]) -> None:
        """Write what came of runs beside the scripts, a run a line, with their rows' parameters."""
        parameters = {row.label: row.parameters for row in rows}
        said = {"commit": self.origin.commit, "parameters": parameters, "runs": runs}
        first = f'{{"{next(iter(runs[0]))}"'
        (HERE / name).write_text(json.dumps(said).replace(first, f"\n{first}") + "\n")


def ground(description: str | None, runs: int) -> Ground:
    """Read the command line.

    Args:
        description: of the script.
        runs: how many originals there are, where the command line does not say.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--runs", type=int, default=runs, help="each with an original of its own")
    parser.add_argument("--jobs", type=int)
    asked = parser.parse_args()
    options = Options(Path("results"), asked.data_dir, asked.jobs)
    return Ground(
        {corpus: place_of(corpus, "ecapa", options) for corpus in CORPORA},
        range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + asked.runs),
        provenance(options.device),
        asked.jobs,
    )
