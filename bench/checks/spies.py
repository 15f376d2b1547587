"""Watching a method at work, for faults that its result does not show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from ser_unlearn.checks.functions import FunctionSpy
from ser_unlearn.checks.reach import ReachSpy
from ser_unlearn.checks.trace import Trace
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.unlearning.task import Task


class TeacherSpy:
    """Watches every recogniser that is asked for outputs without gradients.

    Looking at progress through the task does not count.
    """

    def __init__(self) -> None:
        self.teachers: list[Recogniser] = []
        """Those that were asked, in the order in which they were first asked."""
        self.changed = False
        """Whether one of them had other weights when it was asked again."""
        self._weights: list[list[Tensor]] = []
        self._paused = False

    def __enter__(self) -> TeacherSpy:
        self._forward, self._accuracy = Recogniser.forward, Task.accuracy
        Recogniser.forward = self._watched(self._forward)  # type: ignore[method-assign]
        Task.accuracy = self._unwatched(self._accuracy)  # type: ignore[method-assign]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        Recogniser.forward = self._forward  # type: ignore[method-assign]
        Task.accuracy = self._accuracy  # type: ignore[method-assign]

    def _watched(self, forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def watched(model: Recogniser, *args: Tensor, **kwargs: Tensor) -> Tensor:
            silent = not torch.is_grad_enabled() or not any(
                weight.requires_grad for weight in model.parameters()
            )
            if silent and not self._paused:
                self._look_at(model)
            return forward(model, *args, **kwargs)

        return watched

    def _unwatched(self, accuracy: Callable[..., float]) -> Callable[..., float]:
        def unwatched(*args: Any, **kwargs: Any) -> float:
            self._paused = True
            try:
                return accuracy(*args, **kwargs)
            finally:
                self._paused = False

        return unwatched

    def _look_at(self, model: Recogniser) -> None:
        weights = [weight.detach().clone() for weight in model.parameters()]
        for teacher, first in zip(self.teachers, self._weights, strict=True):
            if teacher is model:
                same = all(map(torch.equal, weights, first))
                self.changed = self.changed or not same
                return
        self.teachers.append(model)
        self._weights.append(weights)


class Spies:
    """All that watches one run.

    Args:
        path: the method's file.
        task: what the method is handed.
    """

    def __init__(self, path: Path, task: Task) -> None:
        self.teachers = TeacherSpy()
        self.trace = Trace()
        self.functions = FunctionSpy(self.trace, task.generator)
        self.reach = ReachSpy(path)

    def __enter__(self) -> Spies:
        with ExitStack() as stack:
            for each in (self.trace, self.teachers, self.functions, self.reach):
                stack.enter_context(each)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def seeds(self) -> set[object]:
        """Seeds of random numbers that did not come from the task."""
        return self.functions.seeds | self.reach.seeds
