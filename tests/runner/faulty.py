"""Does wrong whatever a method can do wrong; `how` says what."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import torch

from ser_unlearn import Method, Recogniser, Task


class OwnError(BaseException):
    pass


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def spoil(model: Recogniser, task: Task) -> None:
    """Change all that can be reached."""
    for data in (task.forget, task.retain):
        data.features.values.zero_()
        data._labels.zero_()
        data.waveforms().inputs.zero_()
    for each in vars(task._brief).values():
        for part in each.values() if isinstance(each, dict) else ():
            array = getattr(part, "values", part)
            if hasattr(array, "fill"):
                array.fill(0)
    torch.optim.AdamW.step = lambda *_: None
    torch.nn.functional.cross_entropy = lambda *_, **__: torch.zeros((), requires_grad=True)
    Recogniser.forward = lambda *_: torch.zeros(1, 2)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    torch.set_num_threads(4)
    os.environ["SER_UNLEARN_CACHE"] = "/nowhere"
    for name in ("ser_unlearn.recogniser.outputs", "ser_unlearn.evaluation.metrics"):
        sys.modules.pop(name, None)


@dataclass(frozen=True)
class Faulty(Method):
    """Do something wrong.

    Attributes:
        how: what.
    """

    reference = "nobody"
    needs = frozenset({"forget", "retain"})
    how: str = "raise"

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        how = self.how
        if how == "raise":
            raise RuntimeError("this cannot\nwork " + 1000 * "x")
        if how == "spoil":
            spoil(model, task)
        if how == "exit":
            sys.exit(0)
        if how == "os_exit":
            os._exit(0)
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "segfault":
            ctypes.string_at(0)
        if how == "interrupt":
            raise KeyboardInterrupt
        if how == "own":
            raise OwnError("mine")
        if how == "unreadable":
            raise UnreadableError
        if how == "swallow":
            while True:
                with suppress(Exception):
                    time.sleep(0.01)
        if how == "busy":
            sum(range(10**11))
        if how == "alarm":
            signal.alarm(0)
            for name in (signal.SIGTERM, signal.SIGALRM, signal.SIGINT):
                signal.signal(name, signal.SIG_IGN)
            while True:
                pass
        if how == "greedy":
            held = []
            while True:
                held.append(bytearray(os.urandom(1)) * 30_000_000)
        if how == "thread":
            threading.Thread(target=time.sleep, args=(1000,)).start()
        if how == "fork" and os.fork() == 0:
            time.sleep(1000)
        if how == "daemon":
            subprocess.Popen(["sleep", "1000"], start_new_session=True)
        if how == "print":
            print("hello from the method")
            os.write(2, b"and its error\n")
        if how == "flood":
            while True:
                os.write(1, 1_000_000 * b"x")
        if how == "nothing":
            return None
        if how == "other":
            return torch.nn.Linear(2, 2)
        if how == "garbage":
            for handle in range(3, 100):
                with suppress(OSError):
                    os.write(handle, b"\x00\x00\x00\x05wrong")
        if how == "close":
            os.closerange(3, 100)
        if how == "ask":
            task._supplies.waveforms("heldout")
        if how == "cheap":
            task._supplies.retrained()
        return model
