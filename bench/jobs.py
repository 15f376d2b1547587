"""Jobs: what a worker does. Each can be sent to another process, and depends on nothing else."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from bench import durability, membership
from bench.audit import Auditor
from bench.costs import Costs, give_back_memory
from bench.criteria import CRITERIA
from bench.errors import UnsupportedError
from bench.evaluation import evaluate
from bench.identity import digest, module_digest
from bench.prices import Price, down_to
from bench.records import (
    Attack,
    Checkout,
    Provenance,
    Record,
    Seeds,
    Status,
    record_path,
    write_record,
)
from bench.registry import Row
from bench.request import Request
from bench.setup import Setup
from bench.shadows import Shadow, ShadowRequest
from bench.spread import groups_of, spread
from bench.store import Artefact, Store
from bench.unlearning import Unlearned, identity, unlearned

EVALUATION = (
    "bench.audit", "bench.compression", "bench.durability", "bench.evaluation", "bench.metrics",
    "bench.relearning", "bench.shadows", "bench.spread",
    *(f"bench.membership.{each.name}" for each in pkgutil.iter_modules(membership.__path__)),
)  # fmt: skip
"""The code that turns what an unlearned model says into metrics."""

SHORTEST_RUNTIME_S = 1e-3
"""Below this the clock says nothing of a method, and a speed-up would mean nothing."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Place:
    """A corpus seen through a recipe, in a form that can be sent to another process."""

    corpus: str
    recipe: str
    data_dir: Path | None
    device: str
    store: Path

    def setup(self) -> Setup:
        """The corpus and the recipe, loaded once a process."""
        return _setup(self)

    def request(self, scenario: str, model_seed: int, forget_seed: int) -> Request:
        """A forget request, drawn once for the jobs in a row that answer it."""
        return _request(self, scenario, model_seed, forget_seed)

    def auditor(self, scenario: str, model_seed: int, forget_seed: int, price: Price) -> Auditor:
        """Who attacks the answers to a request."""
        return _auditor(self, scenario, model_seed, forget_seed, price)


@lru_cache(maxsize=4)
def _setup(place: Place) -> Setup:
    return Setup(place.corpus, place.recipe, place.data_dir, place.device, Store(place.store))


@lru_cache(maxsize=4)
def _request(place: Place, scenario: str, model_seed: int, forget_seed: int) -> Request:
    return Request(place.setup(), scenario, model_seed, forget_seed)


@lru_cache(maxsize=4)
def _auditor(
    place: Place, scenario: str, model_seed: int, forget_seed: int, price: Price
) -> Auditor:
    return Auditor(place.request(scenario, model_seed, forget_seed), price)


@contextmanager
def _worker() -> Iterator[None]:
    """Make a process a good worker: single-threaded, warmed up, and back to its size in the end."""
    torch.set_num_threads(1)
    # The first optimiser of a process imports it, for a second, and would do so on a method's time.
    importlib.import_module("torch._dynamo")
    yield
    # Joblib replaces a worker that has grown, and its successor has to import everything again.
    give_back_memory()


@dataclass(frozen=True)
class Training:
    """Train a model that the store lacks: the original, or one without a forget set."""

    place: Place
    model_seed: int
    scenario: str | None = None
    """None for the original model."""
    forget_seed: int = 0

    @property
    def title(self) -> str:
        """What the progress display calls it."""
        if self.scenario is None:
            return f"train {self.place.corpus} (model {self.model_seed})"
        return (
            f"train {self.place.corpus} without {self.scenario} "
            f"(model {self.model_seed}, forget {self.forget_seed})"
        )

    def utterances(self) -> list[int]:
        """Positions of the utterances to train on."""
        if self.scenario is None:
            return self.place.setup().split.train
        return self.place.request(self.scenario, self.model_seed, self.forget_seed).sets["retain"]

    def is_done(self) -> bool:
        """Whether the store has the model."""
        return self.place.setup().is_trained(self.utterances(), self.model_seed)

    def execute(self) -> None:
        """Train the model and store it, unless it is there."""
        with _worker():
            self.place.setup().trained(self.utterances(), self.model_seed)


@dataclass(frozen=True)
class ShadowTraining:
    """Train a shadow model that the store lacks."""

    place: Place
    number: int

    @property
    def title(self) -> str:
        """What the progress display calls it."""
        return f"train shadow model {self.number} of {self.place.corpus}"

    def is_done(self) -> bool:
        """Whether the store has the model."""
        shadow = Shadow(self.place.setup(), self.number)
        return self.place.setup().is_trained(shadow.places, shadow.seed)

    def execute(self) -> None:
        """Train the model and store it, unless it is there."""
        with _worker():
            Shadow(self.place.setup(), self.number).train()


@dataclass(frozen=True)
class _Answer:
    """One method on one forget set."""

    place: Place
    scenario: str
    row: Row
    seeds: Seeds
    timeout_s: float
    provenance: Provenance

    @property
    def title(self) -> str:
        """What the progress display calls it."""
        return (
            f"{self.row.label} on {self.place.corpus} {self.scenario} "
            f"(model {self.seeds.model}, forget {self.seeds.forget})"
        )

    @property
    def request(self) -> Request:
        """What is to be forgotten, by which model."""
        return self.place.request(self.scenario, self.seeds.model, self.seeds.forget)

    def has_answer(self, request: Request) -> bool:
        """Whether the store has what the method leaves behind, so that it need not run."""
        key = identity(request, self.row, self.seeds.method)
        return request.setup.store.has("unlearned", {**key, "clean": self.provenance.clean})

    def answer(self, request: Request) -> Unlearned:
        """What the method leaves behind, from the store or made now."""
        return unlearned(
            request,
            self.row,
            self.seeds.method,
            timeout_s=self.timeout_s,
            provenance=self.provenance,
        )


def _attempt(work: Callable[[], _Result]) -> tuple[Status, str, _Result | None]:
    """Do what a method may fail at: a record's status, its reason, and what came of it."""
    try:
        return "done", "", work()
    except UnsupportedError as error:
        return "unsupported", str(error), None
    except TimeoutError as error:
        return "timeout", str(error), None
    # Whatever a method does wrong is its result, and must not stop the others.
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}", None


@dataclass(frozen=True)
class Unlearning(_Answer):
    """Run one method on one forget set, evaluate what comes out, and write its record."""

    results: Path
    attacks: Price = "simple"
    durability: bool = False
    """Whether to see what is left of forgetting once the model is compressed, or trained on."""
    evaluated_by: Checkout | None = None
    """The code that evaluates, where `provenance` is another run's."""

    @property
    def record_path(self) -> Path:
        """The file that the record is written to."""
        return self.results / record_path(
            self.place.corpus, self.place.recipe, self.scenario, self.row.label, self.seeds
        )

    def fingerprint(self, attacks: Price, durability: bool) -> str:
        """Hash of all that determines the metrics, with attacks up to a price.

        Args:
            attacks: the price.
            durability: whether durability was measured.
        """
        return digest(
            {
                "unlearned": identity(self.request, self.row, self.seeds.method),
                "scenario": self.scenario,
                "seeds": self.seeds.model_dump(),
                "evaluation": module_digest(*EVALUATION),
                "attacks": attacks,
                "durability": durability,
            }
        )

    def is_done_by(self, record: Record) -> bool:
        """Whether a record is this job's, with what it asks for or more."""
        return record.status == "done" and any(
            record.fingerprint == self.fingerprint(attacks, durability)
            for attacks in down_to(self.attacks)
            for durability in {self.durability, True}
        )

    def execute(self) -> Record:
        """Run the method, unless the store has what it left behind, and write its record.

        An exception, a time-out or a result that is not finite becomes the record's status.
        """
        with _worker():
            return self._execute()

    @property
    def auditor(self) -> Auditor:
        """Who attacks what the method leaves behind."""
        return self.place.auditor(self.scenario, self.seeds.model, self.seeds.forget, self.attacks)

    def shadow_unlearnings(self) -> list[ShadowUnlearning]:
        """The shadow models that the attacks want the method to run on, and the store lacks."""
        return [
            ShadowUnlearning(self, number)
            for number, request in enumerate(self.auditor.shadow_requests())
            if not self.has_answer(request)
        ]

    def _execute(self) -> Record:
        request = self.request
        here = self.evaluated_by or self.provenance.checkout()
        auditor = self.auditor
        # A failure of these is not the method's.
        retraining = request.retrained.costs
        reference = request.reference

        def measured() -> tuple[dict[str, Any], dict[str, Attack], Provenance]:
            found = self.answer(request)
            answers = [(each, self.answer(each).logits) for each in auditor.shadow_requests()]
            audited = auditor.audit(found.logits, answers)
            metrics = {
                **evaluate(found.logits, reference),
                **spread(found.logits, reference, groups_of(request.setup.corpus)),
                **audited.metrics(),
                **self._lasting(found),
                **_prices(found.costs, retraining),
            }
            return metrics, audited.records(), found.provenance

        status, reason, done = _attempt(measured)
        metrics, attacks, provenance = done or ({}, {}, self.provenance)
        record = Record.model_validate(
            {
                "corpus": self.place.corpus,
                "card": request.setup.corpus.card.digest,
                "recipe": self.place.recipe,
                "recipe_digest": request.setup.recipe.digest,
                "scenario": self.scenario,
                "label": self.row.label,
                "method": self.row.method,
                "needs": sorted(self.row.needs),
                "reference": self.row.reference,
                "parameters": dict(self.row.parameters),
                "tuned": self.row.tuned,
                "seeds": self.seeds,
                "fingerprint": self.fingerprint(self.attacks, self.durability),
                "status": status,
                "reason": reason,
                "sizes": {name: len(places) for name, places in request.sets.items()},
                "metrics": metrics,
                "attacks": attacks,
                "provenance": provenance,
                "evaluation": None if provenance.checkout() == here else here,
            }
        )
        write_record(self.results, record)
        return record

    def _lasting(self, found: Unlearned) -> dict[str, float | None]:
        """The metrics of durability, from the store if they are there."""
        if not self.durability:
            return dict.fromkeys(durability.METRICS)
        request = self.request
        key = {
            "unlearned": identity(request, self.row, self.seeds.method),
            "seed": self.seeds.forget,
            "code": module_digest("bench.compression", "bench.durability", "bench.relearning"),
        }
        made = request.setup.store.fetch(
            "durability",
            key,
            lambda: Artefact(
                meta=durability.durability(request.setup, request, found.state, self.seeds.forget)
            ),
        )
        return dict(made.meta)


@dataclass(frozen=True)
class ShadowUnlearning:
    """Run one method on a shadow model, for the attacks on what it left of another model."""

    audited: Unlearning
    number: int
    """Of the auditor's shadow requests."""

    @property
    def request(self) -> ShadowRequest:
        """What the shadow model is to forget."""
        return self.audited.auditor.shadow_requests()[self.number]

    @property
    def title(self) -> str:
        """What the progress display calls it."""
        return f"{self.audited.title}: shadow model {self.request.shadow.number}"

    def execute(self) -> None:
        """Run the method and store what it leaves behind, unless it is there.

        If it fails, the audited record will say so.
        """
        with _worker():
            _attempt(lambda: self.audited.answer(self.request))


@dataclass(frozen=True)
class Score:
    """What a trial is worth on one forget set."""

    status: Status
    reason: str
    value: float | None
    """The criterion in points; None if the method is not done."""
    seconds: float
    """That the method took; until it failed, if it is not done."""


@dataclass(frozen=True)
class Scoring(_Answer):
    """Run one method on one forget set, and judge what comes out by a criterion of tuning."""

    criterion: str

    def execute(self) -> Score:
        """Run the method, unless the store has what it left behind.

        An exception, a time-out or a result that is not finite becomes the score's status.
        """
        with _worker():
            # A failure of this is not the method's.
            judge = CRITERIA[self.criterion].judge(self.request)
            start = time.perf_counter()

            def measured() -> tuple[float, float]:
                found = self.answer(self.request)
                return judge(found.logits), found.costs.runtime_s

            status, reason, done = _attempt(measured)
            value, seconds = done or (None, time.perf_counter() - start)
            return Score(status, reason, value, seconds)


def _prices(costs: Costs, retraining: Costs) -> dict[str, Any]:
    """What a method cost, also as shares of retraining."""
    timed = costs.runtime_s >= SHORTEST_RUNTIME_S
    return {
        **costs.as_dict(),
        "speedup": retraining.runtime_s / costs.runtime_s if timed else None,
        "flops_ratio": costs.flops / retraining.flops,
    }
