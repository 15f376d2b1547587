"""Schedules of learning rates: torch's, which count steps, and SpeechBrain's."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, Protocol

import torch

from ser_unlearn.errors import UserError

EPOCH = ("epoch", "current_epoch")
ERROR = ("metric_value",)
OPTIMISER = ("opt",)
"""What SpeechBrain's schedules are called with, by the name of their first argument."""


class Schedule(Protocol):
    """Sets an optimiser's learning rate as training goes on."""

    takes_error: bool
    """Whether `end_epoch` looks at the error."""

    def begin_batch(self) -> None:
        """To be called before the step that a batch leads to."""

    def end_step(self) -> None:
        """To be called after every step of the optimiser."""

    def end_epoch(self, epoch: int, error: float) -> None:
        """To be called after an epoch, the first being 1; `error` is the validation error, 0..1."""


class Steps:
    """A schedule of torch's, which is advanced after every step.

    Args:
        schedule: over the optimiser that it sets.
    """

    takes_error = False

    def __init__(self, schedule: torch.optim.lr_scheduler.LRScheduler) -> None:
        self._schedule = schedule

    def begin_batch(self) -> None:
        """Nothing."""

    def end_step(self) -> None:
        """Advance."""
        self._schedule.step()

    def end_epoch(self, epoch: int, error: float) -> None:
        """Nothing."""


class Annealing:
    """A schedule of SpeechBrain's, called as its recipes call it.

    Args:
        optimiser: whose rate it sets.
        schedule: changed as training goes on; None for a rate that stays.

    Raises:
        UserError: if recipes call it in a way that is not known here.
    """

    def __init__(self, optimiser: torch.optim.Optimizer, schedule: Any = None) -> None:
        self._optimiser = optimiser
        self._schedule = schedule
        self._by_batch = hasattr(schedule, "on_batch_end")
        self._takes = "" if schedule is None else next(iter(inspect.signature(schedule).parameters))
        if schedule is not None and self._takes not in (*EPOCH, *ERROR, *OPTIMISER):
            raise UserError(
                f"The schedule {type(schedule).__name__} is not known here. Use another, such as "
                "NewBobScheduler or CyclicLRScheduler."
            )
        self.takes_error = self._takes in ERROR

    def begin_batch(self) -> None:
        """Let a schedule by batches set the rate."""
        if self._by_batch:
            self._schedule.on_batch_end(self._optimiser)

    def end_step(self) -> None:
        """Let a schedule by steps set the rate."""
        if self._takes in OPTIMISER:
            self._schedule(self._optimiser)

    def end_epoch(self, epoch: int, error: float) -> None:
        """Let a schedule by epochs or by the validation error set the rate."""
        if self._takes in (*EPOCH, *ERROR):
            _, rate = self._schedule(error if self.takes_error else epoch)
            for group in self._optimiser.param_groups:
                group["lr"] = rate


def steps(make: Callable[..., Any]) -> Callable[[torch.optim.Optimizer, int], Schedule]:
    """A schedule of torch's, from a function of the optimiser and `total_steps`."""
    return lambda optimiser, total: Steps(make(optimiser, total_steps=total))


def annealing(schedule: Any) -> Callable[[torch.optim.Optimizer, int], Schedule]:
    """A schedule of SpeechBrain's, or None; every training has a copy of it as it is now."""
    return lambda optimiser, _: Annealing(optimiser, copy.deepcopy(schedule))
