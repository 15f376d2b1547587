"""What the harness costs: a method as a job runs it, against the same loop without a harness."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import torch
from conftest import ONE_SECOND
from torch.nn.functional import cross_entropy

from ser_unlearn import Batch, Method, Recogniser, train_mode
from ser_unlearn.unlearning.registry import load_class
from ser_unlearn.unlearning.unlearned import run_method

if TYPE_CHECKING:
    from conftest import Ratios, Request

TARGET = 1.05
"""By the method's own clock."""
MORE_S = 0.2
"""By the wall: the process, what it is handed, and what it gives back."""


def ascend(model: Recogniser, batches: Iterator[Batch], method: Method) -> None:
    optimiser = torch.optim.SGD(model.parameters(), lr=method.learning_rate, momentum=0.9)
    train_mode(model)
    for inputs, lengths, labels in batches:
        loss = -cross_entropy(model(inputs, lengths), labels)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), method.max_norm)
        optimiser.step()


def finetune(model: Recogniser, batches: Iterator[Batch], method: Method) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=method.learning_rate)
    train_mode(model)
    for inputs, lengths, labels in batches:
        loss = cross_entropy(model(inputs, lengths), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@pytest.mark.parametrize(
    ("row", "data", "loop", "pairs"),
    [("gradient_ascent", "forget", ascend, 9), ("finetune", "retain", finetune, 5)],
)
def test_the_harness_against_a_bare_loop(
    request_to_forget: Request,
    ratios: Ratios,
    row: str,
    data: str,
    loop: Callable[[Recogniser, Iterator[Batch], Method], None],
    pairs: int,
):
    request = request_to_forget
    setup, job, method = request.setup, request.job(row), load_class(row)()
    original = setup.load(request.original.state)
    generator = torch.Generator().manual_seed(job.seeds.method)
    utterances = setup.utterances(request.sets[data], generator)
    batches = [
        batch for _ in range(method.epochs) for batch in utterances.batches(method.batch_size)
    ]
    models = {}

    def through_the_harness() -> tuple[float, float]:
        start = time.perf_counter()
        models["harness"], costs, _ = run_method(
            job.request, job.row, job.seeds.method, request.original.state, job.limits
        )
        return time.perf_counter() - start, costs.runtime_s

    def bare() -> float:
        models["bare"] = copy.deepcopy(original)
        start = time.perf_counter()
        loop(models["bare"], iter(batches), method)
        return time.perf_counter() - start

    through, reference = ratios.alternate(through_the_harness, bare, pairs)
    wall, recorded = (list(seconds) for seconds in zip(*through, strict=True))
    ratios.note(f"{row}: runtime_s of its record, against a bare loop", recorded, reference, TARGET)
    more = [a - b for a, b in zip(wall, reference, strict=True)]
    ratios.note(f"{row}: seconds more than it by the wall", more, ONE_SECOND, MORE_S)

    # Otherwise the two are not the same algorithm, and their ratio says nothing.
    weights = models["harness"].state_dict()
    assert all(torch.equal(weights[name], w) for name, w in models["bare"].state_dict().items())
