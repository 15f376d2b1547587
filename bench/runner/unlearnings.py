"""The job that a record comes from: a method on a forget set, and what its answer is worth."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_unlearn.evaluation import durability
from ser_unlearn.evaluation.audit import AUDIT, Auditor, asks_to_unlearn, attacks_up_to
from ser_unlearn.evaluation.behaviour import FAMILIES, Reference, evaluate
from ser_unlearn.evaluation.distance import FEWEST
from ser_unlearn.evaluation.metrics import METRICS
from ser_unlearn.evaluation.prices import Price
from ser_unlearn.evaluation.shadows import ShadowRequest
from ser_unlearn.evaluation.spread import HARM, groups_of, spread, worst_off
from ser_unlearn.results.findings import Attack, WorstGroup
from ser_unlearn.results.identity import digest
from ser_unlearn.results.records import (
    Checkout,
    Claim,
    Record,
    read_record,
    record_path,
)
from ser_unlearn.results.revisions import revisions
from ser_unlearn.results.store import Artefact
from ser_unlearn.runner.answers import Answer, attempt
from ser_unlearn.runner.places import worker
from ser_unlearn.unlearning.identity import identity, log_of

if TYPE_CHECKING:
    from ser_unlearn.recogniser.costs import Costs
    from ser_unlearn.unlearning.unlearned import Unlearned

COSTS = "metrics.costs"

SHORTEST_RUNTIME_S = 1e-3
"""Below this the clock says nothing of a method, and a speed-up would mean nothing."""


@dataclass(frozen=True)
class Unlearning(Answer):
    """Run one method on one forget set, and evaluate what comes out."""

    results: Path
    attacks: Price = "simple"
    durability: bool = False
    """Whether to see what is left of forgetting once the model is compressed, or trained on."""
    references: int = FEWEST
    """How many models retrained with seeds of their own the model is compared with."""
    evaluated_by: Checkout | None = None
    """The code that evaluates, where `provenance` is another run's."""
    earlier: Record | None = None
    """The record that stands in the job's place."""

    @property
    def record_path(self) -> Path:
        """The file that the record belongs in."""
        return self.results / record_path(
            self.place.corpus, self.place.recogniser, self.scenario, self.row.label, self.seeds
        )

    @property
    def fingerprint(self) -> str:
        """Hash of all that determines what the method leaves behind, and what it answers."""
        return digest(
            {
                "unlearned": identity(self.request, self.row, self.seeds.method),
                "scenario": self.scenario,
                "seeds": self.seeds.model_dump(),
            }
        )

    @property
    def wanted(self) -> Mapping[str, int]:
        """The families of metrics that the record is to hold, with their revisions."""
        return _wanted(self.attacks, self.durability)

    def is_done_by(self, record: Claim) -> bool:
        """Whether a record is this job's, with what it asks for or more."""
        return (
            self._is_of_this(record)
            and self.wanted.items() <= record.revisions.items()
            and self.references == record.references
        )

    def _is_of_this(self, record: Claim | Record) -> bool:
        return record.status == "done" and record.fingerprint == self.fingerprint

    def execute(self) -> Record:
        """Run the method, unless the store has what it left behind, and make its record.

        Metrics of an earlier record stay as they are, those aside that its revisions show to be
        missing or stale. An exception, a time-out or a result that is not finite becomes the
        record's status. Whoever handed out the job writes the record.
        """
        with worker():
            return self._execute()

    @property
    def auditor(self) -> Auditor:
        """Who attacks what the method leaves behind."""
        return self.place.auditor(
            self.scenario, self.seeds.model, self.seeds.forget, self.attacks, self.references
        )

    def shadow_unlearnings(self) -> list[ShadowUnlearning]:
        """The shadow models that the attacks want the method to run on, and the store lacks."""
        if not asks_to_unlearn(self.attacks):
            return []
        return [
            ShadowUnlearning(self, number)
            for number, request in enumerate(self.auditor.shadow_requests())
            if not self.has_answer(request)
        ]

    def resumed(self) -> Unlearning:
        """The job, with the record that the results folder holds in its place."""
        if not self.record_path.exists():
            return self
        return replace(self, earlier=read_record(self.results, self.record_path))

    def _execute(self) -> Record:
        request = self.request
        here = self.evaluated_by or self.provenance.checkout()
        earlier = self.earlier
        if earlier is not None and not self._is_of_this(earlier):
            earlier = None
        wanted = self.wanted
        known = earlier.revisions if earlier else {}
        stale = {family for family, number in wanted.items() if known.get(family) != number}
        if earlier and earlier.references != self.references:
            stale |= {family for family in wanted if family not in (COSTS, durability.STAGE)}
        # A failure of these is not the method's.
        reference = self.place.reference(
            self.scenario, self.seeds.model, self.seeds.forget, self.references
        )
        auditor = self.auditor

        def measured() -> tuple[Unlearned, Measured]:
            found = self.answer(request)
            return found, self._measure(found, stale, reference, auditor)

        status, reason, done = attempt(measured)
        measures, curve = Measured(), list[tuple[float, float]]()
        provenance = self.made_here
        if done:
            found, measures = done
            provenance = found.provenance
            whole = request.retrained.costs.flops
            curve = [(flops / whole, share) for flops, share in found.curve]
            if earlier:
                measures = measures.over(earlier)
        return Record.model_validate(
            {
                "corpus": self.place.corpus,
                "card": request.setup.corpus.card.digest,
                "recipe": self.place.recipe_name,
                "recipe_digest": request.setup.recipe.digest,
                "checkpoint": self.place.checkpoint,
                "scenario": self.scenario,
                "label": self.row.label,
                "method": self.row.method,
                "needs": sorted(self.row.needs),
                "reference": self.row.reference,
                "parameters": dict(self.row.parameters),
                "tuned": self.row.tuned,
                "seeds": self.seeds,
                "fingerprint": self.fingerprint,
                "revisions": {**known, **wanted} if done else {},
                "references": self.references if done else 0,
                "status": status,
                "reason": reason,
                "sizes": {name: len(places) for name, places in request.sets.items()},
                "drawn": request.drawn,
                "metrics": {name: measures.metrics.get(name) for name in METRICS} if done else {},
                "attacks": measures.attacks,
                "curve": curve,
                "worst": measures.worst,
                "provenance": provenance,
                "log": self._log,
                "evaluation": None if provenance.checkout() == here else here,
            }
        )

    @property
    def _log(self) -> str | None:
        """The file below the store that keeps what the method printed, if it printed anything."""
        log = log_of(self.request, self.row, self.seeds.method)
        root = self.request.setup.store.root
        return log.relative_to(root).as_posix() if log.exists() else None

    def _measure(
        self, found: Unlearned, families: Set[str], reference: Reference, auditor: Auditor
    ) -> Measured:
        """What some families say; the attacks' results too, if those are among them."""
        request = self.request
        metrics: dict[str, Any] = evaluate(found.logits, reference, families)
        attacks: dict[str, Attack] = {}
        worst: dict[str, WorstGroup] = {}
        if HARM in families:
            groups = groups_of(request.setup.corpus)
            metrics |= spread(found.logits, reference, groups)
            worst = {
                kind: WorstGroup(set=each.set, group=each.group)
                for kind, each in worst_off(found.logits, reference, groups).items()
            }
        if COSTS in families:
            metrics |= prices(found.costs, request.retrained.costs)
        if durability.STAGE in families:
            metrics |= self._lasting(found)
        # All are judged together: one that is stale takes the others with it.
        if any(family.startswith("attacks.") for family in families):
            answers = [(each, self.answer(each).logits) for each in auditor.shadow_requests()]
            audited = auditor.audit(found.logits, answers)
            metrics |= audited.metrics()
            attacks = audited.records()
        return Measured(metrics, attacks, worst)

    def _lasting(self, found: Unlearned) -> dict[str, float | None]:
        """The metrics of durability, from the store if they are there."""
        request = self.request
        key = {
            "unlearned": identity(request, self.row, self.seeds.method),
            "seed": self.seeds.forget,
            "revisions": revisions([durability.STAGE]),
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
class Measured:
    """What was measured of a model."""

    metrics: Mapping[str, Any] = field(default_factory=dict)
    attacks: Mapping[str, Attack] = field(default_factory=dict)
    worst: Mapping[str, WorstGroup] = field(default_factory=dict)

    def over(self, earlier: Record) -> Measured:
        """The same, with what an earlier record holds where this holds nothing."""
        return Measured(
            {**earlier.metrics, **self.metrics},
            self.attacks or earlier.attacks,
            self.worst or earlier.worst,
        )


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
        with worker():
            attempt(lambda: self.audited.answer(self.request))


@cache
def _wanted(attacks: Price, lasting: bool) -> Mapping[str, int]:
    families = [*FAMILIES, HARM, COSTS, AUDIT]
    families += [attack.stage for attack in attacks_up_to(attacks)]
    families += [durability.STAGE] if lasting else []
    return revisions(families)


def prices(costs: Costs, retraining: Costs) -> dict[str, Any]:
    """What a method cost, also as shares of retraining."""
    timed = costs.runtime_s >= SHORTEST_RUNTIME_S
    return {
        **costs.as_dict(),
        "speedup": retraining.runtime_s / costs.runtime_s if timed else None,
        "flops_ratio": costs.flops / retraining.flops,
    }
