"""The clean server: a process that has imported what takes seconds, and from which others fork.

It has run nothing, so that what is forked from it finds nothing of anybody else. There is one for
a run: its workers, which are forked from it, have their methods forked from it too. Where there is
no fork, processes are spawned.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from functools import cache
from multiprocessing import resource_tracker
from typing import Any

from ser_unlearn.unlearning.descendants import (
    die_with_parent,
    end_with_runner,
    kill_children,
)

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What keeps libraries of linear algebra to one thread; they read it as they are loaded."""


@cache
def context() -> Any:
    """How processes start, as a context of `multiprocessing`."""
    methods = multiprocessing.get_all_start_methods()
    if multiprocessing.get_start_method() not in methods:
        # That of loky, in its workers: a new process takes over the name, and knows it not.
        multiprocessing.set_start_method(methods[0], force=True)
    # An engine's worker may be a daemon, which may have no children; those here end with it.
    multiprocessing.current_process().daemon = False
    if "forkserver" not in methods:
        return multiprocessing.get_context("spawn")
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["ser_unlearn.unlearning.serving"])
    with _environment({"PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker"}):
        # It cleans up after processes that were killed, and need not say so.
        resource_tracker.ensure_running()
    with _environment(dict.fromkeys(ONE_THREAD, "1")):
        _server().ensure_running()
    return made


def begin() -> None:
    """What a process of `context` does first, if it is to work for the one that asked for it.

    It leaves Ctrl-C to that one, ends when that one does, and has its own processes forked from the
    same server: the library means to, by its documentation, but would start another.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    end_with_runner()
    server = _server()
    if server is not None and server._forkserver_address is not None:
        server.ensure_running = lambda: None


def kill_forked() -> None:
    """Kill what the server of this process has forked, with all that comes from it."""
    server = _server()
    if server is not None and server._forkserver_pid is not None:
        kill_children(server._forkserver_pid)


def _server() -> Any:
    """What the library knows of the server; None where there is no fork."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return None
    from multiprocessing import forkserver

    return forkserver._forkserver


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
