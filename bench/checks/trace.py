"""Following what a method is handed: which utterances a model hears, and what becomes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.weak import WeakTensorKeyDictionary

from ser_unlearn.checks.reach import swapped
from ser_unlearn.recogniser.batches import Batch, Utterances
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.unlearning.task import Task


class _Origin(NamedTuple):
    """Which utterances something was made of."""

    name: str
    """Of their set."""
    labels: Tensor
    """The true ones."""


@dataclass
class _Masked:
    """What became of a weight's gradient between `backward` and the optimiser's steps."""

    weight: Tensor
    start: Tensor
    """Its value before the first step."""
    zero: Tensor
    """True where the gradient was zero at every step."""
    made_zero: Tensor
    """True where it was made zero before a step."""


class Trace(ExitStack):
    """Follows the batches of a task through models, losses and optimisers."""

    def __init__(self) -> None:
        super().__init__()
        self.used: set[str] = set()
        """The data that was used, by the names in `needs`."""
        self.steps: list[frozenset[str]] = []
        """For each step of an optimiser, the sets that models learned from since the one before;
        "" stands for inputs that are no set's batches."""
        self.some_true = False
        """Whether the forget set was given wrong labels, and true ones among them."""
        self._sets: WeakKeyDictionary[Utterances, _Origin] = WeakKeyDictionary()
        self._inputs, self._logits = WeakTensorKeyDictionary(), WeakTensorKeyDictionary()
        self._learners: list[Recogniser] = []
        self._since: set[str] = set()
        self._stepped: set[int] = set()
        self._gradients: dict[int, Tensor] = {}
        self._masked: dict[int, _Masked] = {}
        self._thread = threading.get_ident()

    def __enter__(self) -> Trace:
        super().__enter__()
        for owner, name, watched in (
            (Task, "_declared", self._hand_out),
            (Task, "_check_declared", self._use),
            (Task, "accuracy", self._look_at),
            (Task, "retrained", self._retrain),
            (Utterances, "relabelled", self._relabel),
            (Utterances, "_batch", self._hear),
            (Utterances, "waveforms", self._listen),
            (Recogniser, "forward", self._pass),
        ):
            replacement = self._around(getattr(owner, name), watched)
            self.enter_context(swapped(owner, name, replacement))
        self.callback(register_optimizer_step_pre_hook(self._step).remove)
        return self

    @property
    def mask_leaks(self) -> bool:
        """Whether a weight moved whose gradient was made zero, and was zero at every step."""
        return any(
            bool((each.zero & each.made_zero & (each.weight.detach() != each.start)).any())
            for each in self._masked.values()
        )

    def learned(self, model: Recogniser) -> bool:
        """Whether an optimiser has taken steps with one of a model's weights."""
        return any(id(weight) in self._stepped for weight in model.parameters())

    def idle_learners(self) -> list[Recogniser]:
        """Models whose weights took gradients of which no optimiser has made anything."""
        return [
            model
            for model in self._learners
            if not self.learned(model) and any(each.grad is not None for each in model.parameters())
        ]

    def see_labels(self, logits: Tensor, labels: Tensor) -> None:
        """Compare the labels that a loss is given for logits with the true ones."""
        origin = self._logits.get(logits)
        if origin is not None and logits.requires_grad:
            self._compare(origin, labels)

    def follow(self, logits: Tensor, others: Tensor) -> None:
        """Others are made of these logits, and of the same utterances."""
        if logits in self._logits:
            self._logits[others] = self._logits[logits]

    def _around(self, function: Any, watched: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched in the method's own thread alone."""

        def around(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*args, **kwargs)
            return watched(function, *args, **kwargs)

        return around

    def _hand_out(self, declared: Callable[..., Utterances], task: Task, name: str) -> Utterances:
        data = declared(task, name)
        self._sets[data] = _Origin(name, data.labels.cpu())
        return data

    def _use(self, check: Callable[..., None], task: Task, name: str) -> None:
        if name == "statistics":
            self.used.add(name)
        check(task, name)

    def _look_at(self, accuracy: Callable[..., float], *args: Any, **kwargs: Any) -> float:
        for each in (*args, *kwargs.values()):
            if isinstance(each, Utterances) and each in self._sets:
                self.used.add(self._sets[each].name)
        return accuracy(*args, **kwargs)

    def _retrain(self, retrained: Callable[..., Recogniser], task: Task) -> Recogniser:
        self.used.add("retain")
        return retrained(task)

    def _relabel(
        self, relabelled: Callable[..., Utterances], data: Utterances, labels: Tensor
    ) -> Utterances:
        other = relabelled(data, labels)
        if data in self._sets:
            self._sets[other] = self._sets[data]
            self._compare(self._sets[data], labels)
        return other

    def _hear(
        self, batch: Callable[..., Batch], data: Utterances, chosen: Sequence[int], crop: bool
    ) -> Batch:
        made = batch(data, chosen, crop)
        origin = self._sets.get(data)
        if origin is not None:
            self.used.add(origin.name)
            self._inputs[made.inputs] = origin._replace(labels=origin.labels[list(chosen)])
        return made

    def _listen(self, waveforms: Callable[..., Batch], data: Utterances) -> Batch:
        if data in self._sets:
            self.used.add(self._sets[data].name)
        return waveforms(data)

    def _compare(self, origin: _Origin, labels: Tensor) -> None:
        if origin.name == "forget" and labels.shape == origin.labels.shape:
            wrong = labels.detach().cpu() != origin.labels
            self.some_true |= bool(wrong.any()) and not bool(wrong.all())

    def _pass(
        self, forward: Callable[..., Tensor], model: Recogniser, *args: Tensor, **kwargs: Tensor
    ) -> Tensor:
        logits = forward(model, *args, **kwargs)
        origin = self._inputs.get(args[0] if args else kwargs["inputs"])
        if logits.requires_grad and any(weight.requires_grad for weight in model.parameters()):
            self._since.add("" if origin is None else origin.name)
            if not any(model is each for each in self._learners):
                self._learners.append(model)
                self._watch_gradients(model)
        if origin is not None:
            self._logits[logits] = origin
        return logits

    def _watch_gradients(self, model: Recogniser) -> None:
        def note(weight: Tensor) -> None:
            if weight.grad is not None:
                self._gradients[id(weight)] = weight.grad.detach().clone()

        for weight in model.parameters():
            if weight.requires_grad:
                handle = weight.register_post_accumulate_grad_hook(note)
                self.callback(handle.remove)

    def _step(self, optimiser: Optimizer, *_: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        if self._since:
            self.steps.append(frozenset(self._since))
            self._since.clear()
        for group in optimiser.param_groups:
            for weight in group["params"]:
                self._stepped.add(id(weight))
                if id(weight) in self._gradients:
                    self._look_at_mask(weight, self._gradients[id(weight)])

    def _look_at_mask(self, weight: Tensor, gradient: Tensor) -> None:
        now = torch.zeros_like(gradient) if weight.grad is None else weight.grad.detach()
        zero = now == 0
        # Not where clipping rounds to zero what was as good as zero.
        made_zero = zero & (gradient.abs() > torch.finfo(gradient.dtype).eps ** 3)
        if id(weight) not in self._masked:
            start = weight.detach().clone()
            self._masked[id(weight)] = _Masked(weight, start, zero, made_zero)
            return
        known = self._masked[id(weight)]
        known.zero, known.made_zero = known.zero & zero, known.made_zero | made_zero
