"""What a method costs: seconds, floating-point operations, memory."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from typing import ClassVar

import psutil
import torch
from torch import Tensor, nn

from ser_unlearn.recogniser.algebra import AlgebraMeter
from ser_unlearn.recogniser.counting import Call, count


@dataclass(frozen=True)
class Costs:
    """What a computation cost."""

    runtime_s: float
    """Seconds on the wall, synchronised on a GPU."""
    flops: int
    """Floating-point operations of the model, as `torch.utils.flop_counter` counts them, and of
    linear algebra beside it."""
    peak_memory_mb: float
    """Memory above what was held before, in units of 1,000,000 bytes."""

    def as_dict(self) -> dict[str, float]:
        """The costs by their names."""
        return asdict(self)


class FlopMeter:
    """Counts a model's floating-point operations without slowing it.

    `FlopCounterMode` doubles the time of a step. So while the model works, this only notes which
    of its parts was called with which shapes, and how often a gradient came back. Afterwards each
    distinct call is counted once, on tensors without storage.

    A copy of the model is counted with it. A gradient that is asked for the inputs alone, while
    the weights take gradients too, is counted as if the weights' were computed: switch
    `requires_grad` off to attack an input.

    Args:
        model: its direct children are the parts.
    """

    def __init__(self, model: nn.Module) -> None:
        self._parts = dict(model.named_children())
        # The text of a module says what layers it has; to write it takes milliseconds.
        self._texts = {name: str(part) for name, part in self._parts.items()}
        self._forward: Counter[Call] = Counter()
        self._backward: Counter[Call] = Counter()
        self.algebra = algebra = AlgebraMeter()
        """Counts where it is entered, apart from the model's own."""

        # Plain functions: `copy.deepcopy` of the model shares them, and so counts for this meter.
        def enter(*_: object) -> None:
            algebra.inside += 1

        def leave(*_: object) -> None:
            algebra.inside -= 1

        self._handles = [
            handle
            for name, part in self._parts.items()
            for handle in (
                part.register_forward_pre_hook(enter),
                part.register_forward_hook(leave, always_call=True),
                part.register_forward_hook(self._note(name)),
            )
        ]

    def _note(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if output.is_meta:  # `total` counts on copies, which keep their hooks
                return
            call = Call(
                name,
                tuple(tuple(each.shape) for each in inputs),
                tuple(each.requires_grad for each in inputs),
                tuple(weight.requires_grad for weight in module.parameters()),
            )
            self._forward[call] += 1
            if output.requires_grad:
                output.register_hook(lambda _: self._backward.update([call]))

        return hook

    def close(self) -> None:
        """Stop counting; copies of the model keep their hooks, which then count in vain."""
        for handle in self._handles:
            handle.remove()

    def total(self) -> int:
        """Floating-point operations so far, forward and backward, and beside the model."""
        return self.so_far()()

    def so_far(self) -> Callable[[], int]:
        """A function that gives the operations up to now, whenever it is called.

        Noting takes no time; counting does.
        """
        beside, forward, backward = self.algebra.total, self._forward.copy(), self._backward.copy()

        def total() -> int:
            found = beside
            for call, times in forward.items():
                part, text = self._parts[call.part], self._texts[call.part]
                once_forward, once_backward = count(part, text, call)
                found += times * once_forward + backward[call] * once_backward
            return found

        return total


class Meter:
    """Measures a computation, and takes charges for what was computed elsewhere.

    Use `with meter.measure(model): ...`, then read `meter.costs()`.

    Args:
        device: synchronised before the clock is read.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._runtime_s = 0.0
        self._flops = 0
        self._peak_mb = 0.0
        self._at_work: FlopMeter | None = None

    @contextmanager
    def measure(self, model: nn.Module) -> Iterator[None]:
        """Measure what happens inside, and the operations of `model` and its copies."""
        self._at_work = flops = FlopMeter(model)
        with _peak_memory(self._device) as peak_mb:
            start = self._now()
            try:
                with flops.algebra:
                    yield
            finally:
                self._runtime_s += self._now() - start
                flops.close()
                self._at_work = None
        self._peak_mb = max(self._peak_mb, peak_mb())
        self._flops += flops.total()

    @contextmanager
    def charge(self, costs: Costs) -> Iterator[None]:
        """Put `costs` in the place of what happens inside, such as reading it from the store."""
        start = self._now()
        try:
            yield
        finally:
            self._runtime_s += costs.runtime_s - (self._now() - start)
            self._flops += costs.flops
            self._peak_mb = max(self._peak_mb, costs.peak_memory_mb)

    def flops_so_far(self) -> Callable[[], int]:
        """A function that gives the operations up to now: see `FlopMeter.so_far`."""
        before, at_work = self._flops, self._at_work
        if at_work is None:
            return lambda: before
        since = at_work.so_far()
        return lambda: before + since()

    def costs(self) -> Costs:
        """What was measured and charged so far."""
        return Costs(self._runtime_s, self._flops, self._peak_mb)

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


@contextmanager
def _peak_memory(device: torch.device) -> Iterator[Callable[[], float]]:
    """Watch memory; the function that comes out gives the peak above the start, in MB."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        start = torch.cuda.memory_allocated(device)
        yield lambda: (torch.cuda.max_memory_allocated(device) - start) / 1e6
        return
    held = _memory_in_use()
    start = peak = held()
    stopped = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stopped.wait(0.05):
            peak = max(peak, held())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: (peak - start) / 1e6
    finally:
        peak = max(peak, held())
        stopped.set()
        watcher.join()


class _Mallinfo(ctypes.Structure):
    """What glibc's `mallinfo2` returns."""

    _fields_: ClassVar = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


@cache
def _memory_in_use() -> Callable[[], int]:
    """A function that gives the memory in use, in bytes.

    What glibc has handed out, where it tells; memory that was freed but not returned to the
    system does not count. Elsewhere the process's resident memory.
    """
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform == "linux" else None
    if mallinfo is None:
        process = psutil.Process()
        return lambda: int(process.memory_info().rss)
    mallinfo.restype = _Mallinfo

    def in_use() -> int:
        found = mallinfo()
        return int(found.uordblks + found.hblkhd)

    return in_use


def hold_memory() -> None:
    """Let glibc keep what is freed for what is allocated next, until `give_back_memory`.

    It would return the large blocks that a step of training frees, and get them anew for the next
    step as pages that the system has to clear first: about a tenth of the step's time.
    """
    _glibc("mallopt", _TRIM_THRESHOLD, 2**31 - 1)
    _glibc("mallopt", _MMAP_THRESHOLD, 2**25)  # the most that it takes


def give_back_memory() -> None:
    """Let glibc return to the system what was freed."""
    _glibc("malloc_trim", 0)


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of options of `mallopt`, in bytes; see malloc.h."""


def _glibc(name: str, *arguments: int) -> None:
    """Call a function of glibc's, where there is one."""
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
