"""Does it cost accuracy to wipe out what any model knows? On the corpora that serve for tuning.

    python results/forget-only/familiarity.py --data-dir ~/corpora

has methods wipe out utterances that the original finds easy, and as many that it finds hard, and
writes `familiarity.json` beside this file: how many of them retrained models get right, and what
is lost. Seeds are those of tuning, from 1000 on. Models are kept in the store.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from ablate import CORPORA, HERE, all_of

from ser_unlearn.evaluation.behaviour import evaluate, reference_of
from ser_unlearn.evaluation.metrics import accuracy
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Seeds
from ser_unlearn.runner.answers import Answer
from ser_unlearn.runner.grid import Options, place_of
from ser_unlearn.runner.places import worker
from ser_unlearn.runner.suite import FIRST_TUNING_SEED
from ser_unlearn.runner.trainings import Training
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.registry import resolve

SCENARIOS = ("easy:32", "hard:32")
ROWS = ("least_change-zero", "perturbation_distillation", "adversarial")
REFERENCES = 2


@dataclass(frozen=True)
class Trial(Answer):
    """A method on one request."""

    def execute(self) -> dict[str, Any]:
        """Run it, and see what it loses, and what retrained models make of the forget set."""
        with worker():
            request = self.request
            seen = evaluate(self.answer(request).logits, reference_of(request, REFERENCES))
            forget = request.sets["forget"]
            labels = request.setup.labels[forget]
            known = [
                accuracy(each.logits[forget], labels) for each in request.references(REFERENCES)
            ]
            return {
                "known to retrained models": float(np.mean(known)),
                "forgotten": seen["forgetting_rate"],
                "test accuracy lost": seen["test_accuracy_drop"],
            }


def main() -> None:
    """Train what is missing, run, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--runs", type=int, default=3, help="each with an original of its own")
    parser.add_argument("--jobs", type=int)
    asked = parser.parse_args()
    options = Options(Path("results"), asked.data_dir, asked.jobs)
    origin = provenance(options.device)
    places = {corpus: place_of(corpus, "ecapa", options) for corpus in CORPORA}
    seeds = range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + asked.runs)
    requests = list(product(CORPORA, SCENARIOS, seeds))
    # What is easy and hard, the originals say: they come first.
    all_of([Training(places[each], seed) for each, seed in product(CORPORA, seeds)], asked.jobs)
    retrained = [
        Training(places[corpus], seed, scenario, seed, number)
        for (corpus, scenario, seed), number in product(requests, range(REFERENCES))
    ]
    all_of(retrained, asked.jobs)
    trials = [
        Trial(
            places[corpus],
            scenario,
            resolve(row, {}),
            Seeds(model=seed, forget=seed, method=0),
            Limits(600),
            origin,
        )
        for row, (corpus, scenario, seed) in product(ROWS, requests)
    ]
    said = [
        {
            "method": trial.row.label,
            "corpus": trial.place.corpus,
            "scenario": trial.scenario,
            "seed": trial.seeds.model,
            **{key: round(value, 4) for key, value in found.items()},
        }
        for trial, found in zip(trials, all_of(trials, asked.jobs), strict=True)
    ]
    text = json.dumps({"commit": origin.commit, "runs": said})
    (HERE / "familiarity.json").write_text(text.replace('{"method"', '\n{"method"') + "\n")


if __name__ == "__main__":
    main()
