"""What a method reaches for beyond what it is handed: private parts, files, programs, seeds."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from ser_unlearn.recogniser.batches import Utterances
from ser_unlearn.unlearning.task import Task


@contextmanager
def swapped(owner: Any, name: str, replacement: object) -> Iterator[None]:
    """Put something else in the place of an attribute of a class or a module, for a while."""
    own, before = name in vars(owner), getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)


@lru_cache(maxsize=256)
def _folder(file: str) -> Path:
    return Path(file).resolve().parent


class ReachSpy(ExitStack):
    """Notes what the code of a method, or of a helper file beside it, reaches for.

    Args:
        path: the method's file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.private: list[str] = []
        """Private parts of the task and its sets that were touched, and parts that were set."""
        self.outside: list[str] = []
        """What was opened, written or started, in words."""
        self.seeds: set[object] = set()
        """Seeds that random numbers were drawn from by, other than through the task."""
        self._folder = path.resolve().parent
        self._thread = threading.get_ident()

    def __enter__(self) -> ReachSpy:
        super().__enter__()
        for cls in (Task, Utterances):
            self.enter_context(swapped(cls, "__getattribute__", self._reading(cls)))
        self.enter_context(swapped(Task, "__setattr__", self._setting()))
        for owner, name in _SEEDED:
            self.enter_context(swapped(owner, name, self._seeding(getattr(owner, name))))
        for name in ("save", "load"):
            # Their files are opened where Python does not see it.
            self.enter_context(swapped(torch, name, self._storing(getattr(torch, name))))
        _listen(self._hear)
        self.callback(_listeners.remove, self._hear)
        return self

    def _is_theirs(self, frame: FrameType) -> bool:
        mine = threading.get_ident() == self._thread
        return mine and _folder(frame.f_code.co_filename) == self._folder

    def _reading(self, cls: type) -> Callable[[Any, str], Any]:
        kind = "task" if cls is Task else "data"

        def read(thing: Any, name: str) -> Any:
            hidden = name.startswith("_") and (not name.startswith("__") or name == "__dict__")
            if hidden and self._is_theirs(sys._getframe(1)):
                self.private.append(f"{kind}.{name}")
            return object.__getattribute__(thing, name)

        return read

    def _setting(self) -> Callable[[Any, str, Any], None]:
        def write(task: Any, name: str, value: Any) -> None:
            if self._is_theirs(sys._getframe(1)):
                self.private.append(f"task.{name} = ...")
            object.__setattr__(task, name, value)

        return write

    def _seeding(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def note(seed: object) -> None:
            if seed is not None and self._is_theirs(sys._getframe(2)):
                self.seeds.add(repr(seed))

        if isinstance(function, type):
            base: Any = function

            # Still a type: libraries ask whether something is of it.
            def begin(thing: Any, seed: Any = None) -> None:
                note(seed)
                base.__init__(thing, seed)

            return type(function.__name__, (function,), {"__init__": begin})

        def seeded(seed: Any = None, *more: Any, **named: Any) -> Any:
            note(seed)
            return function(seed, *more, **named)

        return seeded

    def _storing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stored(*given: Any, **named: Any) -> Any:
            if self._is_theirs(sys._getframe(1)):
                self.outside.append(f"it calls torch.{function.__name__}")
            return function(*given, **named)

        return stored

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            fault = _opening(*args[:3])
            if fault:
                self.outside.append(fault)
        elif event in _STARTS:
            self.outside.append(f"it starts a program ({event})")
        elif event in _CONNECTS:
            self.outside.append(f"it opens a connection ({event})")
        elif event in _CHANGES:
            self.outside.append(f"it changes files ({event} {args[0]!s:.80})")


_SEEDED = (
    (torch, "manual_seed"), (torch.random, "manual_seed"), (random, "seed"), (random, "Random"),
    (np.random, "seed"), (np.random, "default_rng"), (np.random, "RandomState"),
)  # fmt: skip
"""What takes a seed. Of torch's generators, `FunctionSpy` sees it."""

_STARTS = frozenset(
    {
        "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
        "os.forkpty", "os.startfile", "pty.spawn",
    }
)  # fmt: skip
_CONNECTS = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request"})
_CHANGES = frozenset(
    {
        "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink",
        "os.chmod", "shutil.copyfile", "shutil.move", "shutil.rmtree", "tempfile.mkstemp",
        "tempfile.mkdtemp",
    }
)  # fmt: skip
"""Names of audit events; see the library's table of them."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_PLACES = tuple(
    {
        *(str(Path(each)) for each in (sys.prefix, sys.base_prefix, Path(__file__).parents[1])),
        *(str(Path(each).resolve()) for each in (sys.prefix, sys.base_prefix)),
        str(Path(__file__).resolve().parents[1]),
        "/proc", "/sys", "/dev", "/etc", "/usr", "/lib",
    }
)  # fmt: skip
"""Where packages, and the system, read what is theirs when they are first used."""


def _opening(path: object, mode: object, flags: object) -> str:
    """What is wrong with the opening of a file; nothing where a package is only imported."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return ""
    name = os.fsdecode(path)
    if name == os.devnull or "__pycache__" in name:
        return ""
    if isinstance(flags, int) and flags & _WRITING:
        return f"it opens {name:.80} for writing"
    if name.startswith(_PLACES) or name.endswith((".py", ".pyc", ".so")):
        return ""
    return f"it reads {name:.80}"


_listeners: list[Callable[[str, tuple[Any, ...]], None]] = []
_hooked: list[Callable[[str, tuple[Any, ...]], None]] = []


def _listen(listener: Callable[[str, tuple[Any, ...]], None]) -> None:
    """Let a function hear of every audit event, until it is taken from `_listeners`."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        for each in _listeners:
            each(event, args)

    if not _hooked:
        # It cannot be taken back; without listeners it does nothing.
        sys.addaudithook(hook)
        _hooked.append(hook)
    _listeners.append(listener)
