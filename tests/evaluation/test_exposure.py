"""A method that only looks as if it forgot is exposed, through the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkouts import copy_package

from ser_unlearn.results.records import Record, read_records

FLIP = '''
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task


@dataclass(frozen=True)
class Flip(Method):
    """Give each utterance of the forget set another top class, and keep all else as it is."""

    reference = "none"
    needs = frozenset({"forget", "retain"})

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        epochs = 30
        optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
        scheduler = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0, epochs)
        inputs, lengths, labels = task.forget.whole()
        for _ in range(epochs):
            for kept in task.retain.batches(64):
                logits = model(inputs, lengths)
                own = logits.gather(1, labels[:, None])
                others = logits.scatter(1, labels[:, None], -torch.inf)
                margins = (own - others.amax(1, keepdim=True) + 1).clamp_min(0)
                # The worst counts by itself: one of 48 would weigh too little to be flipped.
                flipped = 0.5 * margins.mean() + 0.1 * margins.amax()
                loss = flipped + cross_entropy(model(kept.inputs, kept.lengths), kept.labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            scheduler.step()
            if task.accuracy(model, task.forget) == 0:
                break
        return model
'''

LARGER = {
    "channels: 16": "channels: 48",
    "embedding_size: 16": "embedding_size: 32",
    "number_of_epochs: 6": "number_of_epochs: 12",
}
"""Of the recipe `tiny`: what it takes to flip some utterances and leave the others alone."""


def run_in(folder: Path) -> dict[str, Record]:
    """What the fake leaves, and what retraining leaves, by label."""
    package = copy_package(folder)
    (package / "methods" / "flip.py").write_text(FLIP)
    recipes = package / "recogniser" / "recipes"
    recipe = (recipes / "tiny.yaml").read_text()
    for small, large in LARGER.items():
        assert small in recipe
        recipe = recipe.replace(small, large)
    (recipes / "larger.yaml").write_text(recipe)
    # Half of them tell as much here, and every method runs on each.
    shadows = package / "evaluation" / "shadows.py"
    code = shadows.read_text()
    assert "COUNT = 16" in code
    shadows.write_text(code.replace("COUNT = 16", "COUNT = 8"))
    done = subprocess.run(
        [
            sys.executable, "-m", "ser_unlearn", "run",
            "--corpus", "espeak", "--recipe", "larger", "--scenario", "random:48",
            "--model-seeds", "1", "--forget-seeds", "1", "--attacks", "strong", "--durability",
            "--method", "flip", "--method", "retrain", "--jobs", "1",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {record.label: record for record in read_records(folder / "results")}


@pytest.mark.slow
def test_a_method_that_only_flips_the_top_class_is_exposed(tmp_path: Path):
    # One test, for its records take minutes, and other workers would make them again.
    records = run_in(tmp_path)
    flip, retrained = records["flip"], records["retrain"]
    assert flip.metrics["forgetting_rate"] == 1  # by this alone it is perfect

    assert flip.attacks["ulira"].verdict == "unlike retrained"
    _, low, _ = flip.attacks["ulira"].auc
    assert low > 0.5  # it knows who was to be forgotten, by an interval that holds for all attacks
    assert flip.metrics["told_from_retrained"] == 1
    assert flip.metrics["relearn_steps"] > retrained.metrics["relearn_steps"]

    assert "unlike retrained" not in {each.verdict for each in retrained.attacks.values()}
    assert retrained.metrics["told_from_retrained"] != 1
