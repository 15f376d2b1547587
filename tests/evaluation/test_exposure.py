"""A method that only looks as if it forgot is exposed, through the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkouts import copy_package
from workplaces import take_corpus

from ser_unlearn.results.records import Record, read_records

FLIP = '''
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task


@dataclass(frozen=True)
class Flip(Method):
    """Give each utterance of the forget set another top class, and keep all else as it is.

    Nothing but the last, linear layers is trained, on what the layers below say of each set.
    """

    reference = "none"
    needs = frozenset({"forget", "retain"})

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        model.eval()
        project, classify = model.embedding_model.fc, model.classifier
        pooled = []
        hook = project.register_forward_pre_hook(lambda _, inputs: pooled.append(inputs[0]))

        def logits_of(inputs):
            return classify(project(inputs).transpose(1, 2)).squeeze(1)

        labels = []
        with torch.no_grad():
            for utterances in (task.forget, task.retain):
                inputs, lengths, own = utterances.whole()
                model(inputs, lengths)
                labels.append(own)
        hook.remove()
        (forget, retain), (own, kept) = pooled, labels
        steps = 150
        optimiser = torch.optim.Adam([*project.parameters(), *classify.parameters()], lr=1e-2)
        scheduler = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0, steps)
        for _ in range(steps):
            logits = logits_of(forget)
            others = logits.scatter(1, own[:, None], -torch.inf).amax(1)
            margins = (logits.gather(1, own[:, None])[:, 0] - others + 4).clamp_min(0)
            # The worst counts by itself: one of 40 would weigh too little to be flipped.
            flipped = margins.mean() + 0.1 * margins.amax()
            loss = flipped + cross_entropy(logits_of(retain), kept)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            scheduler.step()
        return model
'''

LARGER = {
    "[!ref <channels>, !ref <channels>, !ref <channels>]": "[32, 32, 192]",
    "embedding_size: 16": "embedding_size: 64",
    "number_of_epochs: 6": "number_of_epochs: 12",
    # Half as many frames, for time.
    "    n_mels: !ref <n_mels>\n": "    n_mels: !ref <n_mels>\n    hop_length: 20\n",
    "crop_frames: 100": "crop_frames: 50",
}
"""Of the recipe `tiny`: what it takes to flip some utterances and leave the others alone."""


def run_in(folder: Path, espeak_store: Path) -> dict[str, Record]:
    """What the fake leaves, and what retraining leaves, by label."""
    package = copy_package(folder)
    take_corpus(espeak_store, folder / "store")
    (package / "methods" / "flip.py").write_text(FLIP)
    recipes = package / "recogniser" / "recipes"
    recipe = (recipes / "tiny.yaml").read_text()
    for small, large in LARGER.items():
        assert recipe.count(small) == 1
        recipe = recipe.replace(small, large)
    (recipes / "larger.yaml").write_text(recipe)
    # The fewest tell as much here, and every method runs on each.
    shadows = package / "evaluation" / "shadows.py"
    code = shadows.read_text()
    assert "COUNT = 16" in code
    shadows.write_text(code.replace("COUNT = 16", "COUNT = 4"))
    done = subprocess.run(
        [
            sys.executable, "-m", "ser_unlearn", "run",
            "--corpus", "espeak", "--recipe", "larger", "--scenario", "random:40",
            "--runs", "1", "--references", "3", "--attacks", "strong", "--durability",
            "--method", "flip", "--method", "retrain", "--jobs", "1",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "SER_UNLEARN_CACHE": str(folder / "store")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {record.label: record for record in read_records(folder / "results")}


@pytest.mark.slow
def test_a_method_that_only_flips_the_top_class_is_exposed(tmp_path: Path, espeak_store: Path):
    # One test, for its records take minutes, and other workers would make them again.
    records = run_in(tmp_path, espeak_store)
    flip, retrained = records["flip"], records["retrain"]
    assert flip.metrics["forgetting_rate"] == 1  # by this alone it is perfect

    assert flip.attacks["ulira"].told
    _, low, _ = flip.attacks["ulira"].auc
    assert low > 0.5  # it knows who was to be forgotten, by an interval that holds for all attacks
    assert flip.metrics["told_from_retrained"] == 1
    assert flip.metrics["relearn_steps"] > retrained.metrics["relearn_steps"]

    assert retrained.metrics["told_from_retrained"] == 0
