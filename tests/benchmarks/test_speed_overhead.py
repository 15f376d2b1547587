"""What the harness costs: a method as a job runs it, against the same loop without a harness."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import pytest
import torch
from conftest import ONE_SECOND
from torch.nn.functional import cross_entropy

from ser_unlearn import Batch, Method, Recogniser, train_mode
from ser_unlearn.methods._batches import endless
from ser_unlearn.unlearning.registry import load_class
from ser_unlearn.unlearning.unlearned import run_method

if TYPE_CHECKING:
    from conftest import Ratios, Request

TARGET = 1.05
"""By the method's own clock."""
MORE_S = 0.2
"""By the wall: the process, what it is handed, and what it gives back."""


def finetune(model: Recogniser, batches: Iterator[Batch], method: Method) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=method.learning_rate)
    train_mode(model)
    for inputs, lengths, labels in batches:
        loss = cross_entropy(model(inputs, lengths), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@pytest.mark.parametrize(("steps", "pairs"), [(9, 9), (95, 5)])
def test_the_harness_against_a_bare_loop(
    request_to_forget: Request, ratios: Ratios, steps: int, pairs: int
):
    request = request_to_forget
    job = request.job("finetune")
    row = replace(job.row, parameters={**job.row.parameters, "steps": steps})
    setup, method = request.setup, load_class("finetune")(**row.parameters)
    original = setup.load(request.original.state)
    generator = torch.Generator().manual_seed(job.seeds.method)
    utterances = setup.utterances(request.sets["retain"], generator)
    batches = list(islice(endless(utterances, method.batch_size), steps))
    models = {}

    def through_the_harness() -> tuple[float, float]:
        start = time.perf_counter()
        models["harness"], costs, _ = run_method(
            job.request, row, job.seeds.method, request.original.state, job.limits
        )
        return time.perf_counter() - start, costs.runtime_s

    def bare() -> float:
        models["bare"] = copy.deepcopy(original)
        start = time.perf_counter()
        finetune(models["bare"], iter(batches), method)
        return time.perf_counter() - start

    through, reference = ratios.alternate(through_the_harness, bare, pairs)
    wall, recorded = (list(seconds) for seconds in zip(*through, strict=True))
    what = f"finetune, {steps} steps"
    ratios.note(f"{what}: runtime_s of its record, against a loop", recorded, reference, TARGET)
    more = [a - b for a, b in zip(wall, reference, strict=True)]
    ratios.note(f"{what}: seconds more than it by the wall", more, ONE_SECOND, MORE_S)

    # Otherwise the two are not the same algorithm, and their ratio says nothing.
    weights = models["harness"].state_dict()
    assert all(torch.equal(weights[name], w) for name, w in models["bare"].state_dict().items())
