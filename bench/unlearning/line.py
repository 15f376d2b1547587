"""The line between a method at work and the harness: all that it may ask for goes over it.

At the method's end lies nothing but the line itself. At the harness's end an account is kept of
what was given that is not free, so that no method gets it for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from torch import Tensor

from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.recogniser.costs import Costs
from ser_unlearn.recogniser.counting import Call
from ser_unlearn.unlearning.brief import Arrays, Pieces, Supplies

Curve = Sequence[tuple[int, float]]
"""How a method forgot: floating-point operations so far, and the accuracy on the forget set."""


class Work(NamedTuple):
    """What comes of a method."""

    state: Mapping[str, Tensor]
    """The weights that it returns."""
    costs: Costs
    curve: Curve
    """Of the points at which it looked."""
    calls: Sequence[Call]
    """What had to be counted beyond what it was told."""


class Remote:
    """Supplies from the other end of a line.

    Args:
        pipe: the method's end.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def waveforms(self, name: str) -> Pieces:
        """The trimmed waveforms of a declared set, in 16-bit steps."""
        return self._ask("waveforms", name)  # type: ignore[no-any-return]

    def retrained(self) -> tuple[Arrays, Costs]:
        """The retrained model's weights, and what its training cost."""
        return self._ask("retrained", "")  # type: ignore[no-any-return]

    def _ask(self, kind: str, name: str) -> Any:
        self._pipe.send_bytes(json.dumps({"kind": kind, "name": name}).encode())
        return self._pipe.recv()


@dataclass
class Counter:
    """Hands out supplies, and keeps account of what they cost."""

    supplies: Supplies
    given: Costs = field(default_factory=lambda: Costs(0.0, 0, 0.0))
    """The costs of what was given."""

    def answer(self, kind: object, name: str) -> object:
        """What a method asks for.

        Args:
            kind: "waveforms", or else the retrained model.
            name: of the set whose waveforms are asked for.

        Raises:
            UndeclaredDataError: if the method did not declare it.
        """
        if kind == "waveforms":
            return self.supplies.waveforms(name)
        state, costs = self.supplies.retrained()
        self.given = Costs(
            self.given.runtime_s + costs.runtime_s,
            self.given.flops + costs.flops,
            max(self.given.peak_memory_mb, costs.peak_memory_mb),
        )
        return state, costs

    def at_least(self, costs: Costs) -> Costs:
        """What a method says that it cost, but no less than what it was given."""
        return Costs(
            max(costs.runtime_s, self.given.runtime_s),
            max(costs.flops, self.given.flops),
            max(costs.peak_memory_mb, self.given.peak_memory_mb),
        )


def serve(pipe: Connection, counter: Counter) -> None:
    """Answer what a method asks for, until its end of the line is closed or it asks for too much.

    Args:
        pipe: the harness's end; closed in the end.
        counter: hands out what is asked for.
    """
    with pipe:
        try:
            while True:
                message = json.loads(pipe.recv_bytes())
                pipe.send(counter.answer(message["kind"], message["name"]))
        except (EOFError, OSError, UndeclaredDataError):
            return
