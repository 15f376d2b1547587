"""A model that was trained without the harness is made to forget, and given back as it came."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from brains import checkpointer, modules, predict, train_outside
from workplaces import Workplace, take_corpus

from ser_unlearn.recogniser.setup import Setup
from ser_unlearn.results.store import Store

SHORT = ("--recipe", "tiny", "--corpus", "espeak", "--forget", "list:names.txt")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, espeak_store: Path) -> Workplace:
    """A folder with a model trained outside, and a list of what it is to forget."""
    folder = tmp_path_factory.mktemp("forget")
    take_corpus(espeak_store, folder / "store")
    setup = setup_in(folder)
    train_outside(setup, folder / "model")
    forget = setup.split.train[::12][:8]
    names = [setup.corpus.utterances[each].name for each in forget]
    (folder / "names.txt").write_text("\n".join(names) + "\n")
    return Workplace(folder, folder / "store")


def setup_in(folder: Path) -> Setup:
    return Setup("espeak", "tiny", None, "cpu", Store(folder / "store"))


def forgotten(folder: Path) -> list[int]:
    listed = set((folder / "names.txt").read_text().split())
    utterances = setup_in(folder).corpus.utterances
    return [place for place, each in enumerate(utterances) if each.name in listed]


def test_a_model_of_speechbrains_forgets_what_the_report_says(place: Workplace):
    done = place(
        "forget", "--checkpoint", "model", *SHORT,
        "--method", "random_label", "--set", "random_label.steps=40", "--output", "out",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads((place.folder / "out" / "report.json").read_text())

    setup = setup_in(place.folder)
    parts = modules(setup, seed=0)
    # SpeechBrain's own: every recoverable is found, or it raises.
    assert checkpointer(place.folder / "out", parts).recover_if_possible() is not None
    forget, test = forgotten(place.folder), setup.split.test

    def accuracy(places: list[int]) -> float:
        return float(np.mean(np.array(predict(parts, setup, places)) == setup.labels[places]))

    # Both count whole utterances one by one, and a share of the same few is the same number.
    assert accuracy(forget) == pytest.approx(report["after"]["forget_accuracy"])
    assert accuracy(test) == pytest.approx(report["after"]["test_accuracy"])
    assert report["after"]["forget_accuracy"] < report["before"]["forget_accuracy"]
    assert sorted(report["forgotten"]) == sorted((place.folder / "names.txt").read_text().split())
    assert report["left_out"] == ["optimizer.ckpt"]
    assert "distance" in report["not_measured"]
    assert "run --checkpoint model" in done.output
