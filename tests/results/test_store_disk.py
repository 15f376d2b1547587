"""A disk that fails is told from what was to be computed, and leaves nothing half done."""

import errno
import os
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from artefacts import IDENTITY, Maker, artefact, files
from disks import small_disk_at
from toys import make_record

from ser_unlearn.errors import DiskError, ResultsError, StoreError
from ser_unlearn.results import files as results_files
from ser_unlearn.results.records import read_records, write_record
from ser_unlearn.results.store import Artefact, Store
from ser_unlearn.runner.answers import attempt


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    with small_disk_at(tmp_path / "disk", "1m") as folder:
        yield folder


def large():
    return Artefact({"x": torch.zeros(1_000_000)})


def test_a_full_disk_is_named_with_the_remedy_and_leaves_nothing(small_disk):
    store = Store(small_disk / "store")
    with pytest.raises(StoreError) as caught:
        store.fetch("kind", IDENTITY, large)
    assert str(caught.value) == (
        f"The store in {store.root} cannot be written: No space left on device. "
        "Free space, or name another folder in SER_UNLEARN_CACHE."
    )
    assert files(store) == []
    assert store.fetch("kind", IDENTITY, Maker()).meta == {"value": 1.0}


def test_a_disk_that_cannot_be_written_is_still_read(small_disk):
    store = Store(small_disk / "store")
    store.put("kind", IDENTITY, artefact())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert store.fetch("kind", IDENTITY, Maker(artefact(2.0))).meta == {"value": 1.0}
    with pytest.raises(StoreError, match="cannot be written: Read-only file system"):
        store.fetch("kind", {"other": 1}, Maker())


def test_results_on_a_full_disk_are_named_with_the_remedy(small_disk):
    write_record(small_disk, make_record())
    (small_disk / "filling").write_bytes(bytes(1024 * 1024 - 4096 * 10))
    with pytest.raises(ResultsError, match=r"cannot be written: No space left .*--results"):
        write_record(small_disk, make_record(reference="long" * 50_000))
    # The record that was there still is, and no part of the other.
    assert list(read_records(small_disk)) == [make_record()]
    assert len(list(small_disk.rglob("*.tmp"))) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_limit_on_the_size_of_files_is_a_failure_of_the_disk(store):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError, match="File too large"):
            store.fetch("kind", IDENTITY, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(store) == []


@pytest.mark.parametrize("what", ["the store", "a kind", "a folder of a kind"])
def test_a_file_where_a_folder_should_be(store, what):
    folder = store.path("kind", IDENTITY).parent
    blocked = {"the store": store.root, "a kind": folder.parent, "a folder of a kind": folder}[what]
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("")
    maker = Maker()
    assert not store.has("kind", IDENTITY)
    with pytest.raises(StoreError, match=r"is not a folder\. Free space, or name another"):
        store.fetch("kind", IDENTITY, maker)
    assert maker.calls == 0


def refusing(number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("what", ["mkdir", "mkstemp", "write", "replace"])
def test_whatever_refuses_while_an_artefact_is_written(store, monkeypatch, number, what):
    owner, name = {
        "mkdir": (Path, "mkdir"),
        "mkstemp": (results_files.tempfile, "mkstemp"),
        "write": (results_files, "_write_bytes"),
        "replace": (Path, "replace"),
    }[what]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, refusing(number))
        with pytest.raises(StoreError, match=os.strerror(number)):
            store.fetch("kind", IDENTITY, Maker())
    assert files(store) == []
    assert store.fetch("kind", IDENTITY, Maker()).meta == {"value": 1.0}


def test_a_file_that_may_not_be_read_is_not_thrown_away(store, monkeypatch):
    store.fetch("kind", IDENTITY, Maker())
    maker = Maker(artefact(2.0))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refusing(errno.EACCES))
        with pytest.raises(StoreError, match="cannot be read: Permission denied"):
            store.fetch("kind", IDENTITY, maker)
    assert store.fetch("kind", IDENTITY, maker).meta == {"value": 1.0}
    assert maker.calls == 0


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), TimeoutError("stopped after 1 s")],
)
def test_what_make_raises_comes_out_as_it_is(store, error):
    def make():
        raise error

    with pytest.raises(type(error)) as caught:
        store.fetch("kind", IDENTITY, make)
    assert caught.value is error


def test_a_time_out_while_the_store_writes_is_a_time_out(store, monkeypatch):
    def stopped(*_):
        raise TimeoutError("stopped after 1 s")

    monkeypatch.setattr(results_files, "_write_bytes", stopped)
    with pytest.raises(TimeoutError, match="stopped after 1 s"):
        store.fetch("kind", IDENTITY, Maker())


def test_a_time_out_while_the_store_reads_throws_nothing_away(store, monkeypatch):
    def stopped(*_):
        raise TimeoutError("stopped after 1 s")

    store.fetch("kind", IDENTITY, Maker())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", stopped)
        with pytest.raises(TimeoutError, match="stopped after 1 s"):
            store.fetch("kind", IDENTITY, Maker())
    assert store.fetch("kind", IDENTITY, Maker(artefact(2.0))).meta == {"value": 1.0}


@pytest.mark.parametrize("kind", [StoreError, ResultsError])
def test_no_method_is_to_blame_for_a_disk(kind):
    def work():
        raise kind("The disk is full.")

    with pytest.raises(DiskError, match="The disk is full"):
        attempt(work)


def test_the_error_crosses_processes():
    error = pickle.loads(pickle.dumps(StoreError("The disk is full.")))
    assert isinstance(error, StoreError)
    assert str(error) == "The disk is full."
