"""Processes and their descendants: to end with a parent, to be killed and weighed as a whole."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from multiprocessing import resource_tracker

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent() -> None:
    """Let this process be killed when the thread that started it ends, and keep its orphans.

    On Linux; elsewhere the processes of a parent that was killed run to their end.
    """
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # What this process forks, and what that forks, stays below it, where it can be found.
        prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_runner() -> None:
    """Watch for the end of the process that asked for this one, however it comes, and end too."""
    runner = multiprocessing.parent_process()
    if runner is None:
        return

    def watch() -> None:
        runner.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def kill_tree(pid: int | None) -> None:
    """Kill a process with all its descendants, and all of its process group."""
    if pid is None:
        return
    found = []
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        # First it is stopped, so that it forks no more while its descendants are counted.
        with contextlib.suppress(psutil.Error):
            process.suspend()
        found = [*process.children(recursive=True), process]
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    _kill(found)


def kill_children(pid: int) -> None:
    """Kill all that a process started, and what that started, but not itself.

    The tracker of semaphores is left: it cleans up, and ends with the last process that holds its
    pipe. Whoever missed it before that would start another, with a warning.
    """
    tracker = resource_tracker._resource_tracker._pid  # type: ignore[attr-defined]
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children():
            if child.pid != tracker:
                kill_tree(child.pid)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for each in processes:
        with contextlib.suppress(psutil.Error):
            each.kill()


def holds_more(pid: int, limit: float) -> bool:
    """Whether a process and its descendants hold more bytes of memory than that for themselves."""
    # What they share with the server that they were forked from is none of theirs, but takes long
    # to tell.
    return _memory_of(pid, _resident) > limit and _memory_of(pid, _own) > limit


def _memory_of(pid: int, held_by: Callable[[psutil.Process], int]) -> int:
    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += held_by(each)
    return total


def _resident(process: psutil.Process) -> int:
    held = process.memory_info()
    return int(held.rss - getattr(held, "shared", 0))


def _own(process: psutil.Process) -> int:
    """Pages that several processes share count in shares, where the system tells."""
    held = process.memory_full_info()
    return int(getattr(held, "pss", held.uss))
