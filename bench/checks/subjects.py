"""What is checked: a row of the tables, a run of it on the toy, and what the run left."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ser_unlearn.checks.spies import Seen, Spies
from ser_unlearn.checks.toy import FORGET, ToySetup, hand_out
from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.unlearning.method import Method
from ser_unlearn.unlearning.registry import (
    MethodInfo,
    list_methods,
    method_class,
    read_method,
)
from ser_unlearn.unlearning.sources import module_at
from ser_unlearn.unlearning.task import Task

State = dict[str, Tensor]

MANY = tuple(range(12))
"""Positions of a forget set of which hardly any relabelling at random leaves all labels wrong."""


class CheckError(AssertionError):
    """A method does not do what every method must; the message says what, and why it matters."""


@dataclass(frozen=True)
class Run:
    """What came of one run of a method on the toy."""

    toy: ToySetup
    """The run's own."""
    given: Recogniser
    """The model that the method was handed, as it is now."""
    returned: Recogniser
    before: State
    """The weights that it was handed."""
    operations: int
    """As the harness counts them, if the run was measured."""
    charged: int
    """Operations of what the harness gave it."""
    drew: bool
    """Whether the method drew a random number."""

    @property
    def after(self) -> State:
        """The weights that it returned."""
        return self.returned.state_dict()


class Subject:
    """A row of the tables under check: a method with its parameters, made short.

    Args:
        path: the method's file.
        variant: one of the method's variants, or None.
    """

    def __init__(self, path: Path, variant: str | None = None) -> None:
        self.path = path
        self.variant = variant
        self.info: MethodInfo = read_method(path)
        self.cls = _import(path)
        self._seen: dict[int, Seen] = {}
        self.label = self.info.name if variant is None else f"{self.info.name}-{variant}"

    @property
    def own(self) -> Mapping[str, Any]:
        """What the variant changes of the defaults."""
        return self.cls.variants[self.variant] if self.variant else {}

    def method(self, changes: Mapping[str, Any], *, short: bool = True) -> Method:
        """The method with some parameters changed, and made short unless it is to run in full."""
        return self.cls(**{**self.own, **(self.cls.smoke if short else {}), **changes})

    def run(
        self,
        *,
        setup: ToySetup | None = None,
        forget: tuple[int, ...] = FORGET,
        kept_back: tuple[int, ...] = (),
        seed: int = 0,
        watch: Callable[[Task], AbstractContextManager[Any]] | None = None,
        changes: Mapping[str, Any] | None = None,
        short: bool = True,
        measured: bool = False,
    ) -> Run:
        """Run the method on a toy of the run's own, so that no run sees what another did.

        Args:
            setup: another toy than the usual one, to be copied.
            forget: positions of the forget set.
            kept_back: positions that are in neither the forget nor the retain set.
            seed: of the method.
            watch: gives what is entered around the method.
            changes: parameters.
            short: with the parameters that make a run short.
            measured: as the harness does it, which takes longer than most methods.
        """
        needs = self.info.needs
        toy = (setup or shared_toy()).fresh(needs)
        handed = hand_out(
            toy, needs, method=self.label, forget=forget, kept_back=kept_back, seed=seed
        )
        model, task, meter = handed.model, handed.task, handed.meter
        before = copy_of(model.state_dict())
        at_first = task.generator.get_state()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            watched = watch(task) if watch else nullcontext()
            with meter.measure(model) if measured else nullcontext(), watched:
                returned = self.method(changes or {}, short=short).unlearn(model, task)
        if not isinstance(returned, Recogniser):
            raise CheckError(f"it returns {type(returned).__name__}, not the unlearned model")
        drew = not torch.equal(at_first, task.generator.get_state())
        given = handed.counter.given.flops
        return Run(toy, model, returned, before, meter.costs().flops, given, drew)

    def seen(self, seed: int = 0) -> Seen:
        """What all spies see of a short run that forgets twelve utterances; done once a seed."""
        if seed not in self._seen:
            spies: list[Spies] = []

            def watch(task: Task) -> Spies:
                spies.append(Spies(self.path, task))
                return spies[0]

            outcome: Recogniser | BaseException
            try:
                outcome = self.run(forget=MANY, seed=seed, watch=watch).returned
            # Whatever a method does, what was seen of it until then is known.
            except BaseException as error:
                if not spies:
                    raise
                # Its frames would be kept with it.
                outcome = error.with_traceback(None)
            self._seen[seed] = spies[0].seen(outcome)
        return self._seen[seed]

    @cached_property
    def usual(self) -> Run:
        """A run with nothing special, which several checks look at."""
        return self.run(measured=True)


def subjects(paths: list[Path] | None = None) -> list[Subject]:
    """Every row of the methods in these files; by default of those in `methods/`."""
    if paths is None:
        paths = [info.path for info in list_methods().values()]
    return [
        Subject(path, variant) for path in paths for variant in (None, *read_method(path).variants)
    ]


def _import(path: Path) -> type[Method]:
    """The method's class, from `methods/` or from any other file."""
    try:
        module = module_at(path)
    # A contributor's file may raise anything.
    except Exception as error:
        raise UserError(
            f"{path} cannot be imported. Mend this: {type(error).__name__}: {error}"
        ) from error
    return method_class(module)


@cache
def shared_toy() -> ToySetup:
    """The toy that the checks of a process share."""
    toy = ToySetup()
    toy.trained(toy.split.train, 0)
    # A measurement begins with a collection of garbage, and to look through all that imports made
    # takes longer than most runs. It stays anyway.
    gc.freeze()
    return toy


def checksum(state: State) -> str:
    """Hash of names and weights, bit for bit."""
    hashed = hashlib.sha256()
    for name, tensor in state.items():
        hashed.update(name.encode() + tensor.numpy().tobytes())
    return hashed.hexdigest()


def copy_of(state: State) -> State:
    """The weights as they are now."""
    return {name: tensor.clone() for name, tensor in state.items()}


def same(first: State, second: State) -> bool:
    """Whether all weights are equal, bit for bit."""
    return all(torch.equal(first[name], second[name]) for name in first)


def finite(state: State) -> bool:
    """Whether no weight is NaN or infinite."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in state.values())
