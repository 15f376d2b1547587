"""The store writes whole artefacts or none, whatever stops it."""

import signal
import stat
import subprocess
import sys

import pytest
from artefacts import IDENTITY, Maker, files

from ser_unlearn.results.files import write_atomically
from ser_unlearn.results.store import Artefact


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

import torch

import ser_unlearn.results.files
import ser_unlearn.results.store

def half(path, data):
    if f"{when}." in path.name:
        path.write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    path.write_bytes(data)

when, root = sys.argv[1:]
ser_unlearn.results.files._write_bytes = half
made = ser_unlearn.results.store.Artefact({"x": torch.zeros(1000)}, {"value": 0.0})
identity = {"what": "a thing", "seed": 1, "parts": ["a", "b"]}
ser_unlearn.results.store.Store(Path(root)).fetch("kind", identity, lambda: made)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("when", [".safetensors", ".json"])
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
