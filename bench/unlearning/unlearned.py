"""One method on one forget request: run under its contract, measured, and kept in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ser_unlearn.errors import MethodError
from ser_unlearn.recogniser.costs import Costs
from ser_unlearn.recogniser.outputs import Logits, logits_of, to_table
from ser_unlearn.results.records import Provenance
from ser_unlearn.results.store import Artefact
from ser_unlearn.unlearning.apart import perform_apart
from ser_unlearn.unlearning.brief import Shelf, brief_of
from ser_unlearn.unlearning.counted import counted, learn
from ser_unlearn.unlearning.identity import identity, log_of
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.line import Curve
from ser_unlearn.unlearning.registry import Row
from ser_unlearn.unlearning.request import Request

if TYPE_CHECKING:
    from ser_unlearn.recogniser.model import Recogniser


@dataclass(frozen=True)
class Unlearned:
    """What a method left behind."""

    state: Mapping[str, Tensor]
    """The unlearned model's weights."""
    logits: Logits
    """[N, C], for every utterance of the corpus."""
    costs: Costs
    curve: Curve
    provenance: Provenance
    """Where and when the method ran."""


def unlearned(
    request: Request, row: Row, seed: int, *, limits: Limits, provenance: Provenance
) -> Unlearned:
    """What a method answers to a request, from the store; the method runs now if need be.

    The store also keeps the unlearned model's weights, and for every utterance what it is and what
    the model says of it.

    Args:
        request: what is to be forgotten, by which model.
        row: the method with its parameters.
        seed: of the method.
        limits: what the method may take.
        provenance: of this run. What a changed checkout made is not taken for a commit's work.

    Raises:
        MethodError: if the method failed, for whatever reason of its own.
    """
    key = {**identity(request, row, seed), "clean": provenance.clean}
    found = request.setup.store.fetch(
        "unlearned", key, lambda: _run(request, row, seed, limits, provenance)
    )
    return Unlearned(
        found.tensors,
        _logits(found),
        _costs(found),
        # Kept since records have curves.
        found.meta.get("curve", []),
        Provenance.model_validate(found.meta["provenance"]),
    )


def outputs(
    request: Request, row: Row, seed: int, *, limits: Limits, provenance: Provenance
) -> tuple[Logits, Costs]:
    """What a model says after a method, [N, C], and what the method cost: `unlearned`, in brief.

    The store keeps these under a kind of their own, without the weights, which take far more room.
    """
    key = {**identity(request, row, seed), "clean": provenance.clean}
    found = request.setup.store.fetch(
        "outputs",
        key,
        lambda: replace(_run(request, row, seed, limits, provenance), tensors={}),
    )
    return _logits(found), _costs(found)


def _run(request: Request, row: Row, seed: int, limits: Limits, provenance: Provenance) -> Artefact:
    """Run a method now: what the store keeps of it."""
    setup = request.setup
    start: Mapping[str, Tensor] = request.original.state
    if request.before is not None:
        start = unlearned(request.before, row, seed, limits=limits, provenance=provenance).state
    log = log_of(request, row, seed)
    try:
        model, costs, curve = run_method(request, row, seed, start, limits, log)
    finally:
        setup.store.keep(log)
    logits = setup.predict(model)
    if not np.isfinite(logits).all():
        raise MethodError("failed", "the unlearned model's outputs are not finite")
    return Artefact(
        {name: tensor.cpu() for name, tensor in model.state_dict().items()},
        {
            "costs": costs.as_dict(),
            "curve": curve,
            "provenance": provenance.model_dump(mode="json"),
        },
        to_table(logits, setup.corpus.utterances, setup.corpus.card.emotions, request.sets),
    )


def _logits(artefact: Artefact) -> Logits:
    assert artefact.table is not None
    return logits_of(artefact.table)


def _costs(artefact: Artefact) -> Costs:
    return Costs(**artefact.meta["costs"])


def run_method(
    request: Request,
    row: Row,
    seed: int,
    start: Mapping[str, Tensor],
    limits: Limits,
    log: Path | None = None,
) -> tuple[Recogniser, Costs, Curve]:
    """Run a method in a process of its own: the unlearned model, the costs, and how it forgot.

    Args:
        request: what is to be forgotten.
        row: the method with its parameters.
        seed: of the method.
        start: weights of the model to unlearn from.
        limits: what the method may take.
        log: where its output goes.

    Raises:
        MethodError: if the method failed, for whatever reason of its own.
    """
    setup = request.setup
    sets = {**request.sets, "train": request.train}
    brief = brief_of(
        setup,
        sets,
        method=row.method,
        parameters=row.parameters,
        needs=row.needs,
        original=request.original,
        start=start,
        seed=seed,
        path=row.path,
        counts=counted(request.sets_digest, row.needs),
    )
    work = perform_apart(brief, Shelf(setup, sets, row.needs, request.model_seed), limits, log)
    try:
        model = setup.load(work.state)
    except (RuntimeError, TypeError, ValueError) as error:
        raise MethodError("failed", f"it returns no model of the recipe: {error}") from error
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise MethodError("failed", f"the unlearned model's {name} is not finite")
    learn(request.sets_digest, row.needs, model, work.calls)
    return model, work.costs, work.curve
