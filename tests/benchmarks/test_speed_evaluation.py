"""What it costs to evaluate a record: all that the suite `paper` asks for, of a method that ran."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import ONE_SECOND

from ser_unlearn.evaluation import shadows
from ser_unlearn.recogniser.setup import MODELS
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Seeds
from ser_unlearn.results.store import Artefact
from ser_unlearn.runner.places import Place
from ser_unlearn.runner.unlearnings import Unlearning
from ser_unlearn.unlearning.apart import Limits
from ser_unlearn.unlearning.registry import resolve

if TYPE_CHECKING:
    from conftest import Ratios

TARGET_S = 3.0
"""Of one core, a record."""

SCENARIO = "speaker:1"
"""Of the suite's three the one in the middle, by the steps that relearning takes."""

ROWS = ("gradient_ascent", "npo", "random_label", "uniform_target", "reset_head", "ssd")
"""Methods of seconds: what a method took does not matter to what its evaluation takes."""


@pytest.mark.parametrize("corpus", ["emodb", "ravdess"])
def test_a_record_of_the_suite_paper(
    corpus: str, recordings: Callable[[str], Path], ratios: Ratios, tmp_path: Path
):
    place = Place(corpus, "ecapa", recordings(corpus), "cpu", tmp_path / "store")
    _pretend_shadows(place)

    def job(row: str) -> Unlearning:
        return Unlearning(
            place,
            SCENARIO,
            resolve(row, {}),
            Seeds(model=0, forget=0, method=0),
            Limits(3600),
            provenance("cpu"),
            tmp_path / "results",
        )

    def cpu_seconds(row: str) -> float:
        start = time.process_time()
        record = replace(job(row), attacks="standard", durability=True).execute()
        assert record.metrics["relearn_steps"] is not None
        return time.process_time() - start

    for row in ("original", *ROWS):
        assert job(row).execute().status == "done"
    # What the first record of a process imports and reads serves all.
    cpu_seconds("original")
    spent = ratios.once(lambda: [cpu_seconds(row) for row in ROWS])
    ratios.note(
        f"core-seconds to evaluate a record on {corpus}, {SCENARIO}",
        [sum(spent) / len(spent)],
        ONE_SECOND,
        TARGET_S,
    )


def _pretend_shadows(place: Place) -> None:
    """Let the original be every shadow model: what those say does not matter to the clock."""
    setup = place.setup()
    original = setup.trained(setup.split.train, 0)
    identity = setup.model_identity(setup.split.train, 0)
    artefact = setup.store.fetch(MODELS, identity, lambda: Artefact())
    assert (artefact.tensors["logits"].numpy() == original.logits).all()
    for shadow in shadows.everyone(setup):
        setup.store.put(MODELS, setup.model_identity(shadow.places, shadow.seed), artefact)
