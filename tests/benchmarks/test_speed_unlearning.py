"""What a method costs beside the retraining that it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ser_unlearn.runner.suite import load_suite

if TYPE_CHECKING:
    from conftest import Alone, Ratios, Request


@pytest.mark.parametrize("row", load_suite("default").methods)
def test_unlearning_against_retraining(
    request_to_forget: Request, alone: Alone, ratios: Ratios, row: str
):
    jobs = enumerate([request_to_forget.job(row)])
    ((_, record),) = ratios.once(lambda: list(alone.engine.outcomes(jobs, 1)))
    if record.status == "unsupported":
        pytest.skip(record.reason)
    assert record.status == "done", record.reason
    retraining = request_to_forget.retrained.costs.runtime_s
    ratios.note(f"{row} against retraining", [record.metrics["runtime_s"]], [retraining])
