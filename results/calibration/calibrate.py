"""How the distance from retraining was chosen, and what it can and cannot tell.

    python results/calibration/calibrate.py emodb random:16 --data-dir ~/corpora/emodb

trains references and further retrained models for some requests, runs every method and four fakes
on each, and writes <corpus>-<scenario>.json beside this file:

- for each way to join forget and test set into one number, how well the order of methods over half
  of the references agrees with that over the other half (Spearman's rank correlation), and the
  variance between methods over what is left when methods and requests are accounted for (of the
  number's logarithm, for it is a ratio);
- the distance of further retrained models, which should be 1;
- the distances of the fakes and of the original, beside the upper end of the 95 % prediction
  interval of a further retrained model;
- which of all these models an attack on outputs tells from the references.

Models are kept in the store: run again, it takes a minute.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fakes import FAKES
from numpy.typing import NDArray
from scipy.stats import spearmanr, t

from ser_unlearn.evaluation.audit import Auditor
from ser_unlearn.evaluation.distance import Retraining
from ser_unlearn.evaluation.metrics import accuracy
from ser_unlearn.recogniser.outputs import Logits
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Seeds
from ser_unlearn.runner.answers import Answer, attempt
from ser_unlearn.runner.grid import Options, place_of
from ser_unlearn.runner.local import LOCAL
from ser_unlearn.runner.places import Place, worker
from ser_unlearn.runner.trainings import Training
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.registry import resolve_all
from ser_unlearn.unlearning.request import Request

HERE = Path(__file__).parent

FURTHER = 3
"""Retrained models for each request that are no references."""

DRAWS = 20
"""Divisions of the references into halves."""

Joint = Callable[[NDArray[np.float64]], NDArray[np.float64]]

JOINTS: dict[str, Joint] = {
    "geometric mean": lambda ratios: np.sqrt(ratios.prod(axis=-1)),
    "mean": lambda ratios: ratios.mean(axis=-1),
    "quadratic mean": lambda ratios: np.sqrt(np.square(ratios).mean(axis=-1)),
    "maximum": lambda ratios: ratios.max(axis=-1),
    "forget alone": lambda ratios: ratios[..., 0],
    "test alone": lambda ratios: ratios[..., 1],
}
"""Ways to make one number of ratios [..., 2], on forget and test set."""


@dataclass(frozen=True)
class Answering(Answer):
    """A method on a forget set, for what it leaves in the store."""

    def execute(self) -> None:
        """Run the method, unless it has."""
        with worker():
            attempt(lambda: self.answer(self.request))


@dataclass(frozen=True)
class Seen:
    """What models say on one request: outputs [N, C] each."""

    request: Request
    references: list[Logits]
    further: list[Logits]
    methods: dict[str, Logits]
    fakes: dict[str, Logits]


def main() -> None:
    """Train, run, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("scenario")
    parser.add_argument("--recipe", default="ecapa")
    parser.add_argument("--requests", type=int, default=2, help="each with its own original")
    parser.add_argument("--references", type=int, default=8, help="for each request")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--jobs", type=int)
    asked = parser.parse_args()
    options = Options(Path("results"), asked.data_dir, asked.jobs)
    place = place_of(asked.corpus, asked.recipe, options)
    origin = provenance(options.device)
    answers = [
        Answering(
            place,
            asked.scenario,
            row,
            Seeds(model=run, forget=run, method=0),
            Limits(1800),
            origin,
        )
        for run, row in product(range(asked.requests), resolve_all(None, {}))
    ]
    trainings: list[Any] = [Training(place, run) for run in range(asked.requests)]
    trainings += [Training(place, run, asked.scenario, run) for run in range(asked.requests)]
    trainings += [
        Training(place, run, asked.scenario, run, number)
        for run in range(asked.requests)
        for number in range(asked.references + FURTHER)
    ]
    for stage in (trainings, answers):
        for _ in LOCAL.outcomes(iter(enumerate(stage)), LOCAL.count(asked.jobs, "cpu", len(stage))):
            pass
    torch.set_num_threads(1)
    seen = [
        look(place, asked.scenario, run, asked.references, answers) for run in range(asked.requests)
    ]
    found = {
        "corpus": asked.corpus,
        "recipe": asked.recipe,
        "scenario": asked.scenario,
        "requests": asked.requests,
        "references": asked.references,
        "commit": origin.commit,
        "joints": {name: judged(seen, joint) for name, joint in JOINTS.items()},
        "distances": [distances(each) for each in seen],
    }
    name = f"{asked.corpus}-{asked.scenario.replace(':', '-')}.json"
    (HERE / name).write_text(json.dumps(_rounded(found), indent=2) + "\n")
    print(json.dumps(_rounded(found), indent=2))


def look(place: Place, scenario: str, run: int, references: int, answers: list[Answering]) -> Seen:
    """Gather what all models say on a request; what failed is left out."""
    request = place.request(scenario, run, run)
    retrained = [each.logits for each in request.references(references + FURTHER)]
    methods = {
        each.row.label: each.answer(request).logits
        for each in answers
        if each.seeds.model == run and each.has_answer(request)
    }
    fakes = {
        make.__name__: request.setup.predict(make(request, torch.Generator().manual_seed(run)))
        for make in FAKES
    }
    return Seen(request, retrained[:references], retrained[references:], methods, fakes)


def ratios(models: list[Logits], references: list[Logits], request: Request) -> Any:
    """Divergence over that of retraining, of each model on forget and test set: [M, 2]."""
    retraining = Retraining(references, request.sets, request.original.logits)
    return np.array([list(retraining.ratios(each).values()) for each in models])


def judged(seen: list[Seen], joint: Joint) -> dict[str, Any]:
    """What speaks for and against one way to join two ratios."""
    rows = sorted(set.intersection(*(set(each.methods) for each in seen)))
    random = np.random.default_rng(0)
    agreement: dict[int, float] = {}
    for count in range(2, len(seen[0].references) // 2 + 1):
        found = []
        for each, _ in product(seen, range(DRAWS)):
            order = random.permutation(len(each.references))
            halves = (order[:count], order[count : 2 * count])
            models = [each.methods[row] for row in rows]
            first, second = (
                joint(ratios(models, [each.references[k] for k in half], each.request))
                for half in halves
            )
            found.append(spearmanr(first, second).statistic)
        agreement[count] = float(np.mean(found))
    values = np.log(
        [
            joint(ratios([each.methods[row] for row in rows], each.references, each.request))
            for each in seen
        ]
    )
    rest = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    residual = np.square(rest).sum() / ((len(rows) - 1) * (len(seen) - 1))
    between = values.mean(0).var(ddof=1) - residual / len(seen)
    return {
        "agreement of halves of so many references": agreement,
        "variance between methods over the residual": float(between / residual),
    }


def distances(seen: Seen) -> dict[str, Any]:
    """The distances on one request, and how far a further retrained model may be."""
    retraining = Retraining(seen.references, seen.request.sets, seen.request.original.logits)

    def distance(logits: Logits) -> float:
        return float(retraining.metrics(logits)["distance"] or 0)

    others = [
        Retraining(
            [each for each in seen.references if each is not one],
            seen.request.sets,
            seen.request.original.logits,
        ).metrics(one)["distance"]
        for one in seen.references
    ]
    auditor = Auditor(seen.request, "simple", len(seen.references))

    def told(logits: Logits) -> bool:
        return any(auditor.audit(logits, []).told.values())

    count = len(others)
    width = t.ppf(0.95, count - 1) * np.std(np.log(others), ddof=1) * np.sqrt(1 + 1 / count)
    return {
        "further retrained models": [distance(each) for each in seen.further],
        "references, each to the others": others,
        "95 % of further retrained models are below": float(
            np.exp(np.mean(np.log(others)) + width)
        ),
        "fakes": {
            name: {
                "distance": distance(each),
                "forget accuracy": forget_accuracy(seen, each),
            }
            for name, each in seen.fakes.items()
        },
        "the original with its logits halved": distance(seen.request.original.logits / 2),
        "methods": {name: distance(each) for name, each in sorted(seen.methods.items())},
        "told": {
            "further retrained models": sum(map(told, seen.further)),
            "fakes": [name for name, each in seen.fakes.items() if told(each)],
            "methods": [name for name, each in sorted(seen.methods.items()) if told(each)],
        },
    }


def forget_accuracy(seen: Seen, logits: Logits) -> float:
    """Share of the forget set that a model with these outputs classifies right."""
    places = seen.request.sets["forget"]
    return accuracy(logits[places], seen.request.setup.labels[places])


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
