"""What each part of `least_change` does, on the corpora that serve for tuning.

    python results/forget-only/ablate.py --data-dir ~/corpora

runs the method with one part left out or changed at a time, for both aims, and writes
`ablation.json` beside this file. Requests are those of tuning: espeak and EMO-DB, random:16 and
random:64, seeds from 1000 on. Models are kept in the store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ground import CORPORA, ground

from ser_unlearn.evaluation.behaviour import evaluate, reference_of
from ser_unlearn.evaluation.durability import durability
from ser_unlearn.results.records import Seeds
from ser_unlearn.runner.answers import Answer
from ser_unlearn.runner.places import worker
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.registry import resolve

SCENARIOS = ("random:16", "random:64")
REFERENCES = 3

ROWS = {"unseen": "least_change", "zero": "least_change-zero"}
"""The row of each aim, from which the changes start."""

FLAT = 1e6
"""A floor so high that what speech looks like no longer counts: only the weights themselves do."""

CHANGES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no measure: weights as they are": {"floor": FLAT},
    "no copies": {"hold": 1e-9},
    "neither": {"floor": FLAT, "hold": 1e-9},
    "the last layer alone": {"layers": 1},
    "one round": {"rounds": 1},
    "one projection": {"projections": 1},
}
"""What is left out or changed, for either aim."""

AIMS: dict[str, dict[str, dict[str, Any]]] = {
    "unseen": {"no stretch": {"stretch": 1.0}, "a stretch of 2": {"stretch": 2.0}},
    "zero": {
        "two rounds": {"rounds": 2},
        "six rounds": {"rounds": 6},
        "whole weights alone": {"pruned": 0.0},
        "a margin of 0.3": {"margin": 0.3},
        "a margin of 3": {"margin": 3.0},
    },
}
"""The same, for one aim."""


@dataclass(frozen=True)
class Trial(Answer):
    """A changed method on one request."""

    def execute(self) -> dict[str, Any]:
        """Run it, and measure what is asked of a method from the forget set alone."""
        with worker():
            request = self.request
            found = self.answer(request)
            seen = evaluate(found.logits, reference_of(request, REFERENCES))
            lasting = durability(request.setup, request, found.state, self.seeds.forget)
            return {
                "forgotten": seen["forgetting_rate"],
                "test accuracy lost": seen["test_accuracy_drop"],
                "distance": seen["distance"],
                "price": found.costs.flops / request.references(1)[0].costs.flops,
                "back after pruning": lasting["pruned_return"],
                "back after int8": lasting["quantised_return"],
                "steps to relearn": lasting["relearn_steps"],
            }


def main() -> None:
    """Train what is missing, run, and write."""
    here = ground(__doc__, runs=1)
    rows = {aim: resolve(row, {}) for aim, row in ROWS.items()}
    here.train(SCENARIOS, REFERENCES)
    trials = {
        (aim, name, corpus, scenario, seed): Trial(
            here.places[corpus],
            scenario,
            replace(rows[aim], label=name, parameters={**rows[aim].parameters, **change}),
            Seeds(model=seed, forget=seed, method=0),
            Limits(600),
            here.origin,
        )
        for aim, own in AIMS.items()
        for name, change in {**CHANGES, **own}.items()
        for corpus, scenario, seed in product(CORPORA, SCENARIOS, here.seeds)
    }
    found = dict(zip(trials, here.done(list(trials.values())), strict=True))
    said = [
        {
            "aim": aim,
            "change": name,
            "corpus": corpus,
            "scenario": scenario,
            "seed": seed,
            **{key: round(value, 4) for key, value in numbers.items()},
        }
        for (aim, name, corpus, scenario, seed), numbers in found.items()
    ]
    here.write("ablation.json", rows.values(), said)


if __name__ == "__main__":
    main()
