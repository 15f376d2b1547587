"""A method in a process of its own: whatever it does there is its result, and touches nobody else.

The process is forked from the clean server, or spawned where there is no fork. It is handed
copies, gives back weights as bytes that are never unpickled, and is killed with all its
descendants, when it is done or at a limit.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from ser_unlearn.errors import Failure, MethodError, UndeclaredDataError, UnsupportedError
from ser_unlearn.recogniser.costs import Costs, hold_memory
from ser_unlearn.recogniser.counting import Call
from ser_unlearn.unlearning.brief import Brief, Supplies
from ser_unlearn.unlearning.descendants import die_with_parent, holds_more, kill_tree
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.line import Counter, Curve, Remote, Work
from ser_unlearn.unlearning.server import context

TICK_S = 0.05
"""How often the limits are looked at."""

LARGEST_LOG = 10_000_000
"""Bytes that a method may print."""

MOST_LOOKS = 10_000
"""Points of a curve that a method may give back."""

MOST_CALLS = 5_000
"""Distinct calls of a model's parts that a method may tell of."""

LARGEST_FLOPS = 10**24
"""A point of a curve lies before it."""

LARGEST_MESSAGE = 2**32
"""Bytes of weights that a method may give back."""


def perform_apart(
    brief: Brief, supplies: Supplies, limits: Limits, log: Path | None = None
) -> Work:
    """Run a method in a process of its own.

    Args:
        brief: what the method is handed.
        supplies: gives what few methods ask for.
        limits: the method is stopped at them.
        log: what the method prints goes there; there is no file if it prints nothing.

    Raises:
        MethodError: if the method failed, was stopped, or its process died.
    """
    ours, theirs = context().Pipe()
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
    process = context().Process(target=_work, args=(theirs, brief, log), daemon=True)
    process.start()
    theirs.close()
    start = time.monotonic()
    talk = ThreadPoolExecutor(1)
    answer = talk.submit(_converse, ours, supplies)
    try:
        _watch(answer, process.pid, start, limits, log)
        return answer.result()
    except (EOFError, OSError, _GarbageError) as error:
        # Its own end comes a little after that of the line to it.
        process.join(1)
        raise MethodError("failed", _how_it_ended(process.exitcode, error)) from None
    finally:
        kill_tree(process.pid)
        process.join()
        ours.close()
        talk.shutdown()
        if log is not None and log.exists() and log.stat().st_size == 0:
            log.unlink()


def _watch(
    answer: Future[Any], pid: int | None, start: float, limits: Limits, log: Path | None
) -> None:
    """Wait for an answer as long as the limits allow.

    Raises:
        MethodError: if a limit was met.
    """
    assert pid is not None
    while not wait([answer], timeout=TICK_S).done:
        if time.monotonic() - start > limits.seconds:
            raise MethodError("timeout", f"stopped after {limits.seconds:g} s")
        if limits.memory_mb is not None and holds_more(pid, limits.memory_mb * 1e6):
            raise MethodError("memory", f"stopped at {limits.memory_mb:.0f} MB of memory")
        if log is not None and log.exists() and log.stat().st_size > LARGEST_LOG:
            raise MethodError("failed", f"stopped after {LARGEST_LOG // 10**6} MB of output")


class _GarbageError(Exception):
    """The process sent what is no message."""


def _converse(pipe: Connection, supplies: Supplies) -> Work:
    """Answer what the process asks for, until it is done.

    Raises:
        MethodError: if the method failed, or asks for what it did not declare.
    """
    counter = Counter(supplies)
    while True:
        try:
            message = json.loads(pipe.recv_bytes(LARGEST_MESSAGE))
            kind = message["kind"]
            if kind == "failed":
                raise MethodError(_status(message["status"]), str(message["reason"]))
            if kind == "done":
                costs = counter.at_least(Costs(**message["costs"]))
                curve, calls = _curve(message["curve"]), _calls(message["calls"])
                return Work(_weights(pipe.recv_bytes(LARGEST_MESSAGE)), costs, curve, calls)
            wanted = str(message["name"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise _GarbageError(str(error)) from error
        try:
            pipe.send(counter.answer(kind, wanted))
        except UndeclaredDataError as error:
            raise MethodError("failed", f"UndeclaredDataError: {error}") from None


def _status(text: object) -> Failure:
    """How a method says that it ended; whatever else it says is a failure."""
    if text == "memory":
        return "memory"
    return "unsupported" if text == "unsupported" else "failed"


def _curve(points: object) -> Curve:
    """The points of a curve.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(points, list) or len(points) > MOST_LOOKS:
        raise ValueError("its curve is no list, or too long")
    found = [(int(flops), float(share)) for flops, share in points]
    if not all(0 <= flops < LARGEST_FLOPS and 0 <= share <= 1 for flops, share in found):
        raise ValueError("its curve has points that cannot be")
    return found


def _calls(found: object) -> list[Call]:
    """Calls of a model's parts.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(found, list) or len(found) > MOST_CALLS:
        raise ValueError("its calls are no list, or too many")
    return [
        Call(
            str(part),
            tuple(tuple(int(size) for size in shape) for shape in shapes),
            tuple(bool(each) for each in inputs),
            tuple(bool(each) for each in weights),
        )
        for part, shapes, inputs, weights in found
    ]


def _weights(data: bytes) -> Mapping[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except SafetensorError as error:
        raise _GarbageError(str(error)) from error


def _how_it_ended(exitcode: int | None, error: Exception) -> str:
    if isinstance(error, _GarbageError):
        return f"its process sent no result, but something else: {error}"
    if exitcode is None:
        return "its process cut the line to the harness"
    if exitcode < 0:
        return f"killed by signal {-exitcode}"
    return f"its process ended with exit status {exitcode} before it was done"


# What follows runs in the method's process.

_MOST_FILES = 2**20
"""Above the number of any file that a process has open."""


def _work(pipe: Connection, brief: Brief, log: Path | None) -> NoReturn:
    """Run the method and send what comes of it; then wait to be killed."""
    if hasattr(os, "setsid"):
        # Ctrl-C is for the process that a person sees; this one is stopped by it.
        os.setsid()
    die_with_parent()
    _redirect(log)
    # Lines of the server and of its helpers, which a method could garble; and as long as one to
    # the server is open, it does not see that its own parent is gone.
    os.closerange(3, pipe.fileno())
    os.closerange(pipe.fileno() + 1, _MOST_FILES)
    torch.set_num_threads(1)
    hold_memory()
    # What the server imported stays: to look through it for garbage would copy all its pages.
    gc.freeze()
    weights = b""
    try:
        from safetensors.torch import save

        from ser_unlearn.unlearning.perform import perform

        work = perform(brief, Remote(pipe))
        # A copy of each: tensors that share memory cannot be put side by side.
        weights = save({name: each.cpu().contiguous().clone() for name, each in work.state.items()})
        message: dict[str, Any] = {
            "kind": "done",
            "costs": asdict(work.costs),
            "curve": work.curve,
            "calls": work.calls,
        }
    # Whatever a method does wrong is its result.
    except BaseException as error:
        message = {"kind": "failed", **_failure(error)}
    pipe.send_bytes(json.dumps(message).encode())
    if message["kind"] == "done":
        pipe.send_bytes(weights)
    while True:
        time.sleep(60)


def _failure(error: BaseException) -> dict[str, str]:
    try:
        text = str(error)
    except BaseException:
        text = "(its text cannot be read)"
    if isinstance(error, UnsupportedError):
        return {"status": "unsupported", "reason": text}
    if isinstance(error, MemoryError):
        return {"status": "memory", "reason": text or "MemoryError"}
    name = type(error).__name__
    return {"status": "failed", "reason": f"{name}: {text}" if text else name}


def _redirect(log: Path | None) -> None:
    """Let standard output and error go to a file, and standard input be empty."""
    target = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    source = os.open(os.devnull, os.O_RDONLY)
    os.dup2(source, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    # New objects: the old ones may hold locks and text of the process that was forked.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
        for number in (1, 2)
    )
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
