"""The store: whole artefacts or none, made once."""

import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ser_unlearn.results.store import (
    Artefact,
    DamagedArtefactWarning,
    Store,
    default_root,
    write_atomically,
)

IDENTITY = {"what": "a thing", "seed": 1, "parts": ["a", "b"]}


def artefact(value=1.0):
    return Artefact({"x": torch.full((3,), value)}, {"value": value})


class Maker:
    """Makes artefacts, and counts them."""

    def __init__(self, made=None):
        self.made = made or artefact()
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return self.made


def files(store, suffix=""):
    return sorted(
        path
        for path in store.root.rglob(f"*{suffix}")
        if path.is_file() and path.suffix != ".lock"  # filelock leaves these behind
    )


def the_file(store, suffix):
    (path,) = files(store, suffix)
    return path


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


def test_a_damaged_table_is_made_again(store):
    def made(value):
        return lambda: Artefact(table=pd.DataFrame({"value": [value]}))

    store.fetch("kind", IDENTITY, made(1))
    flip_a_byte(the_file(store, ".parquet"))
    with pytest.warns(DamagedArtefactWarning, match="checksum"):
        assert store.fetch("kind", IDENTITY, made(2)).table["value"].tolist() == [2]


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


# Whole or not at all


def test_a_make_that_raises_leaves_nothing_and_may_be_tried_again(store):
    def fail():
        raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        store.fetch("kind", IDENTITY, fail)
    assert files(store) == []
    assert not store.has("kind", IDENTITY)
    assert store.fetch("kind", IDENTITY, Maker()).meta == {"value": 1.0}


def test_a_description_that_json_cannot_hold_leaves_no_artefact(store):
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.fetch("kind", IDENTITY, lambda: Artefact(meta={"loss": float("nan")}))
    assert not store.has("kind", IDENTITY)
    assert files(store) == []


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")

    def fail(temporary):
        temporary.write_text("ne", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "folder" / "file"
    seen = []

    def write(temporary):
        temporary.write_text("new", encoding="utf-8")
        seen.append(path.read_text(encoding="utf-8") if path.exists() else None)

    write_atomically(path, write)
    write_atomically(path, write)
    assert seen == [None, "new"]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
def test_artefacts_are_as_readable_as_other_files(tmp_path):
    plain, written = tmp_path / "plain", tmp_path / "written"
    plain.write_bytes(b"")
    write_atomically(written, lambda temporary: None)
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


DIE = """
import os, signal, sys
from pathlib import Path

import safetensors.torch
import torch

import ser_unlearn.results.store

def die():
    os.kill(os.getpid(), signal.SIGKILL)

save_file = safetensors.torch.save_file

def half_of_the_tensors(tensors, path, *rest):
    save_file(tensors, path, *rest)
    os.truncate(path, os.path.getsize(path) // 2)
    die()

def half_of_the_description(path, text):
    path.write_text(text[: len(text) // 2], encoding="utf-8")
    die()

when, root = sys.argv[1:]
if when == "tensors":
    safetensors.torch.save_file = half_of_the_tensors
else:
    ser_unlearn.results.store._write_text = half_of_the_description
made = ser_unlearn.results.store.Artefact({"x": torch.zeros(1000)}, {"value": 0.0})
identity = {"what": "a thing", "seed": 1, "parts": ["a", "b"]}
ser_unlearn.results.store.Store(Path(root)).fetch("kind", identity, lambda: made)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("when", ["tensors", "description"])
def test_a_process_killed_while_it_writes_leaves_no_artefact(store, when):
    died = subprocess.run(
        [sys.executable, "-c", DIE, when, str(store.root)], capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert files(store)  # it had begun
    assert not store.has("kind", IDENTITY)
    maker = Maker()
    # No warning (warnings are errors), and no waiting for a lock of the dead.
    assert store.fetch("kind", IDENTITY, maker).tensors["x"].tolist() == [1, 1, 1]
    assert maker.calls == 1


# Damage


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


DAMAGE = {
    "tensors: a bit": (".safetensors", flip_a_byte),
    "tensors: cut": (".safetensors", cut),
    "tensors: empty": (".safetensors", lambda path: path.write_bytes(b"")),
    "tensors: gone": (".safetensors", Path.unlink),
    "description: cut": (".json", cut),
    "description: empty": (".json", lambda path: path.write_bytes(b"")),
    "description: no text": (".json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    "description: a list": (".json", lambda path: path.write_text("[]")),
    "description: a number": (".json", lambda path: path.write_text("7")),
    "description: no key": (".json", lambda path: path.write_text("{}")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_artefact_is_thrown_away_with_a_warning_and_made_again(store, damage):
    suffix, harm = DAMAGE[damage]
    store.fetch("kind", IDENTITY, Maker())
    harm(the_file(store, suffix))
    maker = Maker(artefact(2.0))
    with pytest.warns(DamagedArtefactWarning, match="made again") as warned:
        found = store.fetch("kind", IDENTITY, maker)
    assert len(warned) == 1
    assert maker.calls == 1
    assert found.meta == {"value": 2.0}
    assert found.tensors["x"].tolist() == [2, 2, 2]
    assert store.fetch("kind", IDENTITY, maker).meta == {"value": 2.0}  # now without a warning
    assert maker.calls == 1


def test_what_another_process_has_mended_meanwhile_is_not_thrown_away(store, monkeypatch):
    store.fetch("kind", IDENTITY, Maker())
    cut(the_file(store, ".json"))
    loads = json.loads

    def slowly(text):
        # After the damaged text was read, and before it is understood.
        monkeypatch.setattr(json, "loads", loads)
        store.put("kind", IDENTITY, artefact(3.0))
        return loads(text)

    monkeypatch.setattr(json, "loads", slowly)
    maker = Maker()
    assert store.fetch("kind", IDENTITY, maker).meta == {"value": 3.0}
    assert maker.calls == 0


def test_an_artefact_in_anothers_place_is_not_taken_for_it(store):
    store.fetch("kind", IDENTITY, lambda: Artefact(meta={"value": 1}))
    mine = the_file(store, ".json")
    other = {**IDENTITY, "seed": 2}
    store.fetch("kind", other, lambda: Artefact(meta={"value": 2}))
    (theirs,) = set(files(store, ".json")) - {mine}
    mine.write_bytes(theirs.read_bytes())
    with pytest.warns(DamagedArtefactWarning, match="something else"):
        found = store.fetch("kind", IDENTITY, lambda: Artefact(meta={"value": 3}))
    assert found.meta == {"value": 3}
    assert store.fetch("kind", other, Maker()).meta == {"value": 2}


def test_the_warning_says_which_file(store):
    store.fetch("kind", IDENTITY, Maker())
    path = the_file(store, ".json")
    path.write_text(json.dumps({"identity": IDENTITY, "meta": {}, "sha256": "0" * 64}))
    with pytest.warns(DamagedArtefactWarning) as warned:
        store.fetch("kind", IDENTITY, Maker())
    assert str(path) in str(warned[0].message)
    assert "checksum" in str(warned[0].message)


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
