"""The store: what goes in comes out, and is made once."""

import multiprocessing
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from artefacts import IDENTITY, Maker, artefact, files

from ser_unlearn.results.store import Artefact, Store, default_root

# Round trips


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor([1.5, float("nan"), -float("inf")]),
        torch.tensor([-32768, 0, 32767], dtype=torch.int16),
        torch.arange(6).reshape(2, 3),
        torch.arange(6.0).reshape(2, 3).T,  # not contiguous
        torch.tensor(3.0),
        torch.zeros(0, 4),
        torch.tensor([True, False]),
        torch.arange(10.0)[3:6],  # a part of something larger
    ],
    ids=["float", "int16", "int64", "transposed", "scalar", "empty", "bool", "view"],
)
def test_tensors_come_back_as_they_were(store, tensor):
    found = store.fetch("kind", IDENTITY, lambda: Artefact({"x": tensor})).tensors["x"]
    assert found.dtype == tensor.dtype
    assert found.shape == tensor.shape
    assert torch.equal(found.nan_to_num(9), tensor.nan_to_num(9))


def test_meta_comes_back_as_it_was(store):
    meta = {"text": "ä", "list": [1, 2.5, None, True], "nested": {"a": []}}
    found = store.fetch("kind", IDENTITY, lambda: Artefact(meta=meta))
    assert found.meta == meta
    assert found.tensors == {}


def test_a_table_comes_back_as_it_was_beside_the_tensors(store):
    table = pd.DataFrame({"name": ["a", None], "value": np.array([1e-30, 3], np.float32)})
    made = Artefact({"x": torch.ones(2)}, {"value": 1}, table)
    for _ in range(2):
        found = store.fetch("kind", IDENTITY, lambda: made)
        pd.testing.assert_frame_equal(found.table, table)
        assert found.tensors["x"].tolist() == [1, 1]
        assert found.meta == {"value": 1}


def test_an_artefact_without_tensors_is_one_file(store):
    store.fetch("kind", IDENTITY, lambda: Artefact(meta={"a": 1}))
    assert [path.suffix for path in files(store)] == [".json"]


def test_what_comes_back_is_the_same_the_first_and_the_second_time(store):
    first = store.fetch("kind", IDENTITY, lambda: Artefact(meta={"pair": (1, 2)}))
    second = store.fetch("kind", IDENTITY, lambda: Artefact())
    assert first.meta == second.meta == {"pair": [1, 2]}


# Once only


def test_an_artefact_is_made_once(store):
    maker = Maker()
    for _ in range(3):
        assert store.fetch("kind", IDENTITY, maker).meta == {"value": 1.0}
    assert Store(store.root).fetch("kind", IDENTITY, maker).meta == {"value": 1.0}
    assert maker.calls == 1


@pytest.mark.parametrize(
    ("kind", "identity"),
    [
        ("kind", {**IDENTITY, "seed": 2}),
        ("kind", {**IDENTITY, "more": None}),
        ("kind", {**IDENTITY, "parts": ["b", "a"]}),
        ("other", IDENTITY),
    ],
)
def test_another_identity_or_kind_is_another_artefact(store, kind, identity):
    store.fetch("kind", IDENTITY, Maker())
    maker = Maker(artefact(2.0))
    assert store.fetch(kind, identity, maker).meta == {"value": 2.0}
    assert maker.calls == 1
    assert store.fetch("kind", IDENTITY, maker).meta == {"value": 1.0}


def test_the_order_of_an_identitys_keys_does_not_matter(store):
    store.fetch("kind", IDENTITY, Maker())
    maker = Maker()
    store.fetch("kind", dict(reversed(IDENTITY.items())), maker)
    assert maker.calls == 0


def test_has_says_whether_it_is_there_and_put_replaces(store):
    assert not store.has("kind", IDENTITY)
    store.put("kind", IDENTITY, artefact(1.0))
    assert store.has("kind", IDENTITY)
    store.put("kind", IDENTITY, artefact(2.0))
    found = store.fetch("kind", IDENTITY, Maker())
    assert found.meta == {"value": 2.0}
    assert found.tensors["x"].tolist() == [2, 2, 2]


def make_slowly(counter):
    """Note the call in a file, and take long enough for the other process to come along."""
    with Path(counter).open("a", encoding="utf-8") as stream:
        stream.write("made\n")
    time.sleep(0.3)
    return artefact()


def fetch_in_another_process(root, counter, ready, answers):
    ready.wait(timeout=60)
    found = Store(Path(root)).fetch("kind", IDENTITY, lambda: make_slowly(counter))
    answers.put(found.tensors["x"].tolist())


@pytest.mark.slow
def test_of_two_processes_at_once_one_makes_it_and_the_other_waits(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, answers = context.Barrier(2), context.Queue()
    counter = tmp_path / "counter"
    arguments = (str(tmp_path / "store"), str(counter), ready, answers)
    processes = [context.Process(target=fetch_in_another_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    answers.close()
    assert found == [[1, 1, 1]] * 2
    assert counter.read_text(encoding="utf-8") == "made\n"


# Where it lies


def test_the_environment_names_the_store(monkeypatch, tmp_path):
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(tmp_path / "here"))
    assert default_root() == Store().root == tmp_path / "here"


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_name_the_store_is_in_the_platforms_cache_folder(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("SER_UNLEARN_CACHE")
    else:
        monkeypatch.setenv("SER_UNLEARN_CACHE", value)
    assert default_root().is_absolute()
    assert default_root().name == "ser-unlearn"
