"""A model that was trained without the harness is made to forget, and given back as it came."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from workplaces import Workplace, take_corpus

import ser_unlearn
from ser_unlearn.data.scenarios import requests
from ser_unlearn.recogniser.checkpoints import read_checkpoint
from ser_unlearn.recogniser.model import build
from ser_unlearn.recogniser.setup import Setup
from ser_unlearn.results.store import Store

pytestmark = pytest.mark.slow

SHORT = ("--recipe", "tiny", "--corpus", "espeak", "--forget", "list:names.txt")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, espeak_store: Path) -> Workplace:
    """A folder with a model trained outside, and a list of what it is to forget."""
    from brains import train_outside

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
    from brains import checkpointer, modules, predict

    done = place(
        "forget", "--checkpoint", "model", *SHORT,
        "--method", "random_label", "--set", "random_label.steps=40",
        # The default suits a larger network, which was trained for longer.
        "--set", "random_label.learning_rate=1e-4", "--output", "out",
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


def test_a_safetensors_file_comes_back_as_one_and_forgets_alike(place: Workplace):
    setup = setup_in(place.folder)
    (checkpoint,) = (place.folder / "model").glob("CKPT+*")
    found = read_checkpoint(checkpoint, build(setup.recipe, setup.n_emotions, seed=0))
    save_file(dict(found.state), place.folder / "mine.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        patch.setenv("SER_UNLEARN_CACHE", str(place.store))
        report = ser_unlearn.forget(
            "mine.safetensors",
            recipe="tiny",
            corpus="espeak",
            forget="list:names.txt",
            method="reset_head",
            output="as-file",
        )
    state = load_file(place.folder / "as-file" / "mine.safetensors")
    said = setup.predict(setup.load(state)).argmax(axis=1)
    forget = forgotten(place.folder)
    right = float(np.mean(said[forget] == setup.labels[forget]))
    assert right == pytest.approx(report.forgotten.after["forget_accuracy"])
    assert report.left_out == ()


def test_a_run_takes_the_checkpoint_as_the_original_and_its_weights_come_out(place: Workplace):
    from brains import checkpointer, modules, predict

    done = place(
        "run", "--checkpoint", "model", "--recipe", "tiny", "--scenario", "list:names.txt",
        "--method", "original", "--method", "reset_head",
        "--runs", "1", "--references", "2", "--jobs", "1",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    records = {each.label: each for each in place.records()}
    original = records["original"]
    assert original.status == "done"
    assert original.scenario == requests(f"list:{place.folder / 'names.txt'}")[0]
    assert original.checkpoint is not None
    assert original.path.parts[1] == f"tiny@{original.checkpoint[:12]}"
    assert original.sizes["forget"] == 8

    setup = setup_in(place.folder)
    parts = modules(setup, seed=0)
    checkpointer(place.folder / "model", parts).recover_if_possible()
    test = setup.split.test
    right = float(np.mean(np.array(predict(parts, setup, test)) == setup.labels[test]))
    assert right == pytest.approx(original.metrics["test_accuracy"])

    path = Path("results", records["reset_head"].path)
    assert place("export", str(path), "out-of-store").exit_code == 0
    state = load_file(place.folder / "out-of-store" / "model.safetensors")
    said = setup.predict(setup.load(state)).argmax(axis=1)
    exported = float(np.mean(said[test] == setup.labels[test]))
    assert exported == pytest.approx(records["reset_head"].metrics["test_accuracy"])

    again = place("evaluate", "--jobs", "1")
    assert again.exit_code == 0, again.output
    assert {each.label: each for each in place.records()} == records
    # Another store has neither the model nor the list: what was made is left as it is.
    elsewhere = Workplace(place.folder, place.folder / "elsewhere")
    take_corpus(place.store / "corpora", elsewhere.store / "corpora")
    refused = elsewhere("export", str(path), "nowhere")
    assert refused.exit_code == 2
    assert "Make it again: ser-unlearn run" in refused.output
    assert "--checkpoint PATH" in refused.output


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--checkpoint": "nowhere"}, "There is no checkpoint at nowhere"),
        ({"--forget": "list:nobody.txt"}, "names 1 that the corpus does not have"),
        ({"--forget": "sequential:2x4"}, "stands for 2 requests"),
        ({"--method": "scrubb"}, "Did you mean scrub"),
        ({"--method": "auto", "--results": "none"}, "rank no method"),
        ({"--method": "auto", "--have": "forget,money"}, "there is no data 'money'"),
        ({"--method": "npo", "--set": "npo.speed=1"}, "no parameter of npo 'speed'"),
        ({"--method": "npo", "--set": "scrub.rounds=1"}, "names the method 'scrub', but"),
        ({"--method": "auto", "--set": "npo.steps=1"}, "Name it with --method"),
        ({"--recipe": "ecapa"}, "does not fit the recipe"),
        ({"--output": "model"}, "is there already"),
        ({"--timeout": "0.001"}, "did not do it"),
    ],
)
def test_what_cannot_be_done_is_a_line_and_leaves_nothing(place: Workplace, changes, words):
    (place.folder / "nobody.txt").write_text("nobody\n")
    given = {
        "--checkpoint": "model",
        "--recipe": "tiny",
        "--corpus": "espeak",
        "--forget": "list:names.txt",
        "--method": "npo",
        "--output": "refused",
        **changes,
    }
    before = set(place.folder.iterdir())
    done = place("forget", *(word for pair in given.items() for word in pair))
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert set(place.folder.iterdir()) == before


ADDED = '''
from dataclasses import dataclass

import torch

from ser_unlearn import Method, Recogniser, Task


@dataclass(frozen=True)
class Added(Method):
    """Halve the weights of the classifier."""

    reference = "Nobody 2020"
    needs = frozenset()

    share: float = 0.5

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        with torch.no_grad():
            for weight in model.classifier.parameters():
                weight.mul_(self.share)
        return model
'''


def test_a_method_may_be_any_file(place: Workplace):
    (place.folder / "added.py").write_text(ADDED)
    done = place(
        "forget", "--checkpoint", "model", *SHORT, "--method", "added.py",
        "--set", "added.share=0", "--output", "added",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads((place.folder / "added" / "report.json").read_text())
    assert report["method"] == "added[share=0.0]"
    # All logits are alike: the first emotion is said of everything.
    setup = setup_in(place.folder)
    share = float(np.mean(setup.labels[setup.split.test] == 0))
    assert report["after"]["test_accuracy"] == pytest.approx(share)

    (place.folder / "scrub.py").write_text(ADDED)
    done = place("forget", "--checkpoint", "model", *SHORT, "--method", "scrub.py", "--output", "x")
    assert "There is a method 'scrub' already" in done.output
