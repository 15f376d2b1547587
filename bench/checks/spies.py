"""Watching a method at work, for faults that its result does not show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ser_unlearn.checks.functions import FunctionSpy
from ser_unlearn.checks.reach import ReachSpy, swapped
from ser_unlearn.checks.trace import Trace
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.unlearning.task import Task


class TeacherSpy(ExitStack):
    """Watches every recogniser that is asked for outputs without gradients.

    Looking at progress through the task does not count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.teachers: list[Recogniser] = []
        """Those that were asked, in the order in which they were first asked."""
        self.changed = False
        """Whether one of them had other weights when it was asked again."""
        self._weights: list[list[Tensor]] = []
        self._paused = False

    def __enter__(self) -> TeacherSpy:
        super().__enter__()
        self.enter_context(swapped(Recogniser, "forward", self._watched(Recogniser.forward)))
        self.enter_context(swapped(Task, "accuracy", self._unwatched(Task.accuracy)))
        return self

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


class Spies(ExitStack):
    """All that watches one run.

    Args:
        path: the method's file.
        task: what the method is handed.
    """

    def __init__(self, path: Path, task: Task) -> None:
        super().__init__()
        self.teachers = TeacherSpy()
        self.trace = Trace()
        self.functions = FunctionSpy(self.trace, task.generator)
        self.reach = ReachSpy(path)

    def __enter__(self) -> Spies:
        with ExitStack() as stack:
            for each in (self.trace, self.teachers, self.functions, self.reach):
                stack.enter_context(each)
            self.push(stack.pop_all())
        return self

    def seen(self, outcome: Recogniser | BaseException) -> Seen:
        """What there was to see of a run that returned this model, or ended with this error."""
        changed = shared = thawed = False
        if isinstance(outcome, Recogniser):
            student = {weight.data_ptr() for weight in outcome.parameters()}
            others = [each for each in self.teachers.teachers if each is not outcome]
            changed = self.teachers.changed
            shared = any(
                weight.data_ptr() in student for each in others for weight in each.parameters()
            )
            idle = [each for each in self.trace.idle_learners() if each is not outcome]
            thawed = bool(idle) and self.trace.learned(outcome)
        return Seen(
            error=outcome if isinstance(outcome, BaseException) else None,
            used=frozenset(self.trace.used),
            steps=tuple(self.trace.steps),
            some_true=self.trace.some_true,
            mask_leaks=self.trace.mask_leaks,
            teacher_changed=changed,
            teacher_shared=shared,
            teacher_thawed=thawed,
            divergence=self.functions.divergence,
            reversed=self.functions.reversed,
            loss=self.functions.loss,
            private=tuple(dict.fromkeys(self.reach.private)),
            outside=tuple(self.reach.outside),
            seeds=frozenset(self.functions.seeds | self.reach.seeds),
        )


@dataclass(frozen=True)
class Seen:
    """What all spies saw of a run; the names are explained with each spy."""

    error: BaseException | None
    """What the run ended with, if it did not come to its end."""
    used: frozenset[str]
    steps: tuple[frozenset[str], ...]
    some_true: bool
    mask_leaks: bool
    teacher_changed: bool
    teacher_shared: bool
    """Whether a teacher shares weights with the model that was returned."""
    teacher_thawed: bool
    """Whether a model took gradients that learned nothing from them, beside one that did."""
    divergence: str
    reversed: bool
    loss: str
    private: tuple[str, ...]
    outside: tuple[str, ...]
    seeds: frozenset[object]

    def whole(self) -> Seen:
        """The same, where the run came to its end; raises what it ended with otherwise."""
        if self.error is not None:
            raise self.error
        return self
