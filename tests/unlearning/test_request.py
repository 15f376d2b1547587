"""Forget requests: their sets, their models, and how one comes after another."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.splits import Split
from ser_unlearn.evaluation.behaviour import reference_of
from ser_unlearn.recogniser import setup
from ser_unlearn.recogniser.outputs import to_table
from ser_unlearn.unlearning.request import Request

EMOTIONS = ["low", "high"]


class Setup(setup.Setup):
    """Ten utterances; a model says of each its position, and of which data it was trained on."""

    def __init__(self, *, trains: bool = True) -> None:
        self.labels = np.arange(10) % 2
        utterances = [
            Utterance(f"u{place}", EMOTIONS[place % 2], f"s{place % 3}", "t", f"c{place}", 1.0)
            for place in range(10)
        ]
        self.corpus = SimpleNamespace(utterances=utterances)
        self.split = Split([0, 1, 2, 3, 4, 5], [6], [7], [8, 9])
        # A store that keeps nothing.
        self.store: Any = SimpleNamespace(fetch=lambda kind, identity, make: make())
        self.trainings: list[tuple[list[int], int]] = []
        self._trains = trains

    def trained(self, places: Sequence[int], seed: int) -> Any:
        assert self._trains, "this request must not ask for a model"
        self.trainings.append((list(places), seed))
        # The loss falls with the position, or with another seed rises.
        right = np.arange(10.0) * (1 if seed == 0 else -1)
        logits = np.zeros((10, 2), np.float32)
        logits[np.arange(10), self.labels] = right
        return SimpleNamespace(logits=logits)

    def draw_identity(self, *what: Any) -> dict[str, Any]:
        return {}


def make(scenario: str, model: int = 0, forget: int = 0, **options: bool) -> Request:
    return Request(Setup(**options), scenario, model, forget)


@pytest.mark.parametrize(
    "scenario", ["random:2", "speaker:1", "emotion:low", "speaker-emotion:1", "sequential:2x2:2"]
)
def test_what_does_not_rank_by_loss_trains_nothing(scenario: str):
    request = make(scenario, trains=False)
    assert sorted(request.sets["retain"] + request.so_far) == request.train


@pytest.mark.parametrize(("scenario", "model", "among"), [
    ("hard:2", 0, {0, 1, 2, 3}),
    ("hard:2", 1, {2, 3, 4, 5}),
    ("easy:2", 0, {2, 3, 4, 5}),
    ("easy:2", 1, {0, 1, 2, 3}),
])  # fmt: skip
def test_hard_and_easy_ask_the_original_of_their_model_seed(
    scenario: str, model: int, among: set[int]
):
    request = make(scenario, model)
    assert request.setup.trainings == [([0, 1, 2, 3, 4, 5], model)]  # type: ignore[attr-defined]
    drawn = {place for seed in range(20) for place in make(scenario, model, seed).sets["forget"]}
    # Twenty draws of two of four miss a given one once in 2 ** 20 corpora.
    assert drawn == among


def test_the_requests_of_a_sequence_come_one_after_another():
    third = make("sequential:3x1:3")
    second = third.before
    assert second is not None
    first = second.before
    assert first is not None
    assert first.before is None
    assert "forgotten" not in first.sets

    parts = [request.sets["forget"] for request in (first, second, third)]
    assert [len(part) for part in parts] == [1, 1, 1]
    taken = parts[0]
    for request, part in ((second, parts[1]), (third, parts[2])):
        assert request.sets["forgotten"] == taken
        taken = sorted(taken + part)
        assert request.so_far == taken
    assert third.sets["retain"] == [place for place in range(6) if place not in taken]
    for earlier in (first, second):
        own = make("sequential:3x1:1" if earlier is first else "sequential:3x1:2")
        assert earlier.sets == own.sets


def test_the_models_retrained_for_a_sequence_never_heard_what_went_before():
    request = make("sequential:2x2:2")
    assert request.retrained
    assert request.original
    (retrained, _), (original, _) = request.setup.trainings  # type: ignore[attr-defined]
    assert original == [0, 1, 2, 3, 4, 5]
    assert len(retrained) == 2
    assert not set(retrained) & set(request.so_far)


def test_what_was_forgotten_before_counts_in_no_set_but_its_own():
    request = make("sequential:2x2:2")
    reference = reference_of(request, 2)
    assert reference.forgotten == request.sets["forgotten"]
    for name in ("forget", "retain", "heldout", "test"):
        assert reference.sets[name] == request.sets[name]
    assert not {place for places in reference.sets.values() for place in places} & set(
        request.sets["forgotten"]
    )


def test_every_utterance_stands_in_one_set_of_the_table():
    request = make("sequential:3x1:3")
    utterances = request.setup.corpus.utterances
    table = to_table(np.zeros((10, 2), np.float32), utterances, EMOTIONS, request.sets)
    found = {name: list(rows.index) for name, rows in table.groupby("set")}
    assert found == request.sets
    assert len(found["forgotten"]) == 2


def test_a_model_that_never_heard_an_emotion_can_be_trained_and_never_says_it(setup):
    places = [place for place in setup.split.train if setup.labels[place] != 2]
    trained = setup.trained(places, 0)
    assert np.isfinite(trained.logits).all()
    assert all(torch.isfinite(tensor).all() for tensor in trained.state.values())
    assert 2 not in trained.logits.argmax(axis=1)
