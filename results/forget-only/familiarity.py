"""Does it cost accuracy to wipe out what any model knows? On the corpora that serve for tuning.

    python results/forget-only/familiarity.py --data-dir ~/corpora

has methods wipe out utterances that the original finds easy, and as many that it finds hard, and
writes `familiarity.json` beside this file: how many of them retrained models get right, and what
is lost. Seeds are those of tuning, from 1000 on. Models are kept in the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from ground import CORPORA, ground

from ser_unlearn.evaluation.behaviour import evaluate, reference_of
from ser_unlearn.results.records import Seeds
from ser_unlearn.runner.answers import Answer
from ser_unlearn.runner.places import worker
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
            reference = reference_of(self.request, REFERENCES)
            seen = evaluate(self.answer(self.request).logits, reference)
            known = [reference.accuracies(each)["forget"] for each in reference.references]
            return {
                "known to retrained models": float(np.mean(known)),
                "forgotten": seen["forgetting_rate"],
                "test accuracy lost": seen["test_accuracy_drop"],
            }


def main() -> None:
    """Train what is missing, run, and write."""
    here = ground(__doc__, runs=3)
    here.train(SCENARIOS, REFERENCES)
    rows = [resolve(label, {}) for label in ROWS]
    trials = [
        Trial(
            here.places[corpus],
            scenario,
            row,
            Seeds(model=seed, forget=seed, method=0),
            Limits(600),
            here.origin,
        )
        for row, corpus, scenario, seed in product(rows, CORPORA, SCENARIOS, here.seeds)
    ]
    said = [
        {
            "method": trial.row.label,
            "corpus": trial.place.corpus,
            "scenario": trial.scenario,
            "seed": trial.seeds.model,
            **{key: round(value, 4) for key, value in found.items()},
        }
        for trial, found in zip(trials, here.done(trials), strict=True)
    ]
    here.write("familiarity.json", rows, said)


if __name__ == "__main__":
    main()
