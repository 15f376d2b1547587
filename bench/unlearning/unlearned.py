"""One method on one forget request: run under its contract, measured, and kept in the store."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ser_unlearn.recogniser.costs import Costs, Meter
from ser_unlearn.recogniser.model import build
from ser_unlearn.recogniser.outputs import Logits, logits_of, to_table
from ser_unlearn.results.identity import digest, numerics
from ser_unlearn.results.records import Provenance
from ser_unlearn.results.revisions import revisions
from ser_unlearn.results.store import Artefact
from ser_unlearn.unlearning.registry import Row, load_class
from ser_unlearn.unlearning.request import Request
from ser_unlearn.unlearning.task import Task

if TYPE_CHECKING:
    from ser_unlearn.recogniser.model import Recogniser

STAGES = ("corpus", "features", "training", "unlearning")
"""What every unlearned model depends on, beside its method's own code."""


@dataclass(frozen=True)
class Unlearned:
    """What a method left behind."""

    state: Mapping[str, Tensor]
    """The unlearned model's weights."""
    logits: Logits
    """[N, C], for every utterance of the corpus."""
    costs: Costs
    provenance: Provenance
    """Where and when the method ran."""


def identity(request: Request, row: Row, seed: int) -> dict[str, Any]:
    """All that determines the unlearned model, JSON-like.

    Args:
        request: what is to be forgotten, by which model.
        row: the method with its parameters.
        seed: of the method.
    """
    setup = request.setup
    return {
        "before": None if request.before is None else identity(request.before, row, seed),
        "corpus": setup.corpus.identity,
        "recipe": setup.recipe.digest,
        "sets": digest({name: request.names(name) for name in ("forget", "retain", "validation")}),
        "parameters": dict(row.parameters),
        "method": row.code,
        "seeds": {"model": request.model_seed, "method": seed},
        "revisions": revisions([*STAGES, *(row.needs & {"statistics"})]),
        "device": setup.device.type,
        "packages": numerics(),
    }


def unlearned(
    request: Request, row: Row, seed: int, *, timeout_s: float, provenance: Provenance
) -> Unlearned:
    """What a method answers to a request, from the store; the method runs now if need be.

    The store also keeps the unlearned model's weights, and for every utterance what it is and what
    the model says of it.

    Args:
        request: what is to be forgotten, by which model.
        row: the method with its parameters.
        seed: of the method.
        timeout_s: the seconds that the method may take.
        provenance: of this run. What a changed checkout made is not taken for a commit's work.

    Raises:
        TimeoutError: if the method took longer.
        FloatingPointError: if weights or outputs are not finite.
    """
    setup = request.setup

    def make() -> Artefact:
        start: Mapping[str, Tensor] = request.original.state
        if request.before is not None:
            start = unlearned(
                request.before, row, seed, timeout_s=timeout_s, provenance=provenance
            ).state
        model, costs = run_method(request, row, seed, start, timeout_s)
        logits = setup.predict(model)
        if not np.isfinite(logits).all():
            raise FloatingPointError("the unlearned model's outputs are not finite")
        return Artefact(
            {name: tensor.cpu() for name, tensor in model.state_dict().items()},
            {"costs": costs.as_dict(), "provenance": provenance.model_dump(mode="json")},
            to_table(logits, setup.corpus.utterances, setup.corpus.card.emotions, request.sets),
        )

    key = {**identity(request, row, seed), "clean": provenance.clean}
    found = setup.store.fetch("unlearned", key, make)
    assert found.table is not None
    return Unlearned(
        found.tensors,
        logits_of(found.table),
        Costs(**found.meta["costs"]),
        Provenance.model_validate(found.meta["provenance"]),
    )


def run_method(
    request: Request, row: Row, seed: int, start: Mapping[str, Tensor], timeout_s: float
) -> tuple[Recogniser, Costs]:
    """Run a method: the unlearned model as one of the harness's own, and the costs.

    Args:
        request: what is to be forgotten.
        row: the method with its parameters.
        seed: of the method.
        start: weights of the model to unlearn from.
        timeout_s: the seconds that the method may take.
    """
    setup = request.setup
    meter = Meter(setup.device)
    task = Task(
        setup,
        {**request.sets, "train": request.train},
        method=row.method,
        needs=row.needs,
        original=request.original,
        model_seed=request.model_seed,
        seed=seed,
        meter=meter,
    )
    method = load_class(row.method)(**row.parameters)
    model = setup.load(start)
    with torch.random.fork_rng():
        # For what the model itself draws, such as dropout.
        torch.manual_seed(seed)
        with meter.measure(model), _time_limit(timeout_s):
            result = method.unlearn(model, task)
    answer = build(setup.recipe, setup.n_emotions, seed=0)
    answer.load_state_dict(result.state_dict())
    for name, tensor in answer.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise FloatingPointError(f"the unlearned model's {name} is not finite")
    return answer.to(setup.device), meter.costs()


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError when the time is up.

    It takes a signal to interrupt a method; where there is none (Windows, or a thread that is not
    the first), a method may run on.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() != threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"stopped after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
