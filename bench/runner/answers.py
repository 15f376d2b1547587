"""What a method leaves behind on a forget set, from the store or made now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ser_unlearn.errors import MethodError
from ser_unlearn.results.provenance import on_this_machine
from ser_unlearn.results.records import Provenance, Seeds, Status
from ser_unlearn.runner.places import Place
from ser_unlearn.unlearning.identity import identity
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.registry import Row
from ser_unlearn.unlearning.request import Request

if TYPE_CHECKING:
    from ser_unlearn.recogniser.costs import Costs
    from ser_unlearn.recogniser.outputs import Logits
    from ser_unlearn.unlearning.unlearned import Unlearned

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Answer:
    """One method on one forget set."""

    place: Place
    scenario: str
    row: Row
    seeds: Seeds
    limits: Limits
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
        from ser_unlearn.unlearning.unlearned import unlearned

        return unlearned(
            request,
            self.row,
            self.seeds.method,
            limits=self.limits,
            provenance=self.made_here,
        )

    def outputs(self, request: Request) -> tuple[Logits, Costs]:
        """What the unlearned model says, and what it cost, without its weights."""
        from ser_unlearn.unlearning.unlearned import outputs

        return outputs(
            request,
            self.row,
            self.seeds.method,
            limits=self.limits,
            provenance=self.made_here,
        )

    @property
    def made_here(self) -> Provenance:
        """The provenance of what this process makes."""
        return on_this_machine(self.provenance, self.place.device)


def attempt(work: Callable[[], _Result]) -> tuple[Status, str, _Result | None]:
    """Do what a method may fail at: a record's status, its reason, and what came of it.

    A failure of anything else is not the method's, and is let through.
    """
    try:
        return "done", "", work()
    except MethodError as error:
        return error.status, str(error), None
