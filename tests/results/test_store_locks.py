"""Locks: work is done once, nobody waits for the dead, and without locks nothing breaks."""

import errno
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import filelock
import pytest
from artefacts import IDENTITY, Maker, artefact

from ser_unlearn.errors import StoreError
from ser_unlearn.results.locks import acquire
from ser_unlearn.results.store import Store

posix = pytest.mark.skipif(sys.platform == "win32", reason="forks and kills")


def test_a_lock_is_one_holders(tmp_path):
    path = tmp_path / "a.lock"
    release = acquire(path)
    assert acquire(path, wait=False) is None
    release()
    acquire(path, wait=False)()


@posix
@pytest.mark.parametrize("with_child", [False, True])
def test_a_lock_dies_with_its_holder(tmp_path, with_child):
    """Also where the holder has forked a child that lives on."""
    path, held = tmp_path / "a.lock", tmp_path / "held"
    context = multiprocessing.get_context("fork")

    def hold():
        release = acquire(path)
        if with_child and os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        held.touch()
        time.sleep(60)
        release()

    holder = context.Process(target=hold)
    holder.start()
    while not held.exists():
        time.sleep(0.01)
    assert acquire(path, wait=False) is None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    acquire(path, wait=False)()


@posix
def test_whoever_waits_goes_on_when_the_holder_is_killed(store):
    context = multiprocessing.get_context("fork")
    begun = context.Event()

    def never():
        begun.set()
        time.sleep(60)

    holder = context.Process(target=store.fetch, args=("kind", IDENTITY, never))
    holder.start()
    assert begun.wait(30)
    answers = context.Queue()

    def wait():
        answers.put(store.fetch("kind", IDENTITY, Maker()).meta)

    waiter = context.Process(target=wait)
    waiter.start()
    waiter.join(0.5)
    assert waiter.is_alive()
    os.kill(holder.pid, signal.SIGKILL)
    assert answers.get(timeout=30) == {"value": 1.0}
    waiter.join()


@posix
@pytest.mark.parametrize("thing", ["folder", "link"])
def test_what_is_no_lock_does_not_stand_in_its_place(store, thing):
    path = store.path("kind", IDENTITY).with_suffix(".lock")
    path.parent.mkdir(parents=True)
    if thing == "folder":
        (path / "inside").mkdir(parents=True)
    else:
        path.symlink_to(path.with_name("nowhere"))
    assert store.fetch("kind", IDENTITY, Maker()).meta == {"value": 1.0}


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def lockless(request, monkeypatch):
    """A file system that has no locks."""

    def refuse(*_):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(filelock._unix.fcntl, "flock", refuse)


@posix
def test_without_locks_work_goes_on(store, lockless):
    maker = Maker()
    for _ in range(2):
        assert store.fetch("kind", IDENTITY, maker).meta == {"value": 1.0}
    assert maker.calls == 1


def fetch_side_by_side(root, value, ready, answers):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    filelock._unix.fcntl.flock = refuse
    store = Store(Path(root))
    for turn in range(20):
        ready.wait(60)
        found = store.fetch("kind", {"turn": turn}, Maker(artefact(value)))
        answers.put((turn, found.meta["value"], found.tensors["x"].tolist()))


@posix
def test_without_locks_two_at_once_corrupt_nothing(store):
    """The work is done twice, and each gets an artefact of one of the two."""
    context = multiprocessing.get_context("fork")
    ready, answers = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=fetch_side_by_side, args=(store.root, value, ready, answers))
        for value in (1.0, 2.0)
    ]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for _ in range(40)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    for _, value, tensor in found:
        assert value in {1.0, 2.0}
        assert tensor == [value] * 3


@posix
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_lock_that_may_not_be_made_is_a_failure_of_the_disk(store, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(filelock._unix.UnixFileLock, "_acquire", refuse)
    maker = Maker()
    with pytest.raises(StoreError, match=os.strerror(number)):
        store.fetch("kind", IDENTITY, maker)
    assert maker.calls == 0
