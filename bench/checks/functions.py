"""Looking at what goes into torch's functions: losses, divergences, random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ser_unlearn.checks.trace import Trace

CLOSE = 1e-4
"""Sums of single-precision probabilities over a few classes are 1 within 1e-5."""


class FunctionSpy(TorchFunctionMode):
    """Looks at what goes into losses and divergences, and where random numbers come from.

    Args:
        trace: knows where logits come from.
        generator: the task's.
    """

    def __init__(self, trace: Trace, generator: torch.Generator) -> None:
        super().__init__()
        self.divergence = ""
        """What was wrong with the first divergence that was not one of distributions."""
        self.reversed = False
        """Whether a divergence took gradients through its target alone."""
        self.loss = ""
        """What was wrong with the first loss that was not given what it asks for."""
        self.seeds: set[object] = set()
        """Seeds of the generators that were used, other than the task's."""
        self._trace = trace
        self._generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in _LOOKED_AT:
            first, second = [*args, kwargs.get("input"), kwargs.get("target")][:2]
            if func is functional.kl_div:
                self._look_at_divergence(first, second, bool(kwargs.get("log_target")))
            elif func is functional.cross_entropy:
                if _is_distribution(first):
                    self.loss = self.loss or "cross_entropy is given probabilities"
                self._trace.see_labels(first, second)
            elif func is functional.nll_loss:
                if not _is_distribution(first.exp()):
                    self.loss = self.loss or "nll_loss is not given log-probabilities"
                self._trace.see_labels(first, second)
            elif _is_distribution(args[0]):
                self.loss = self.loss or "log_softmax is given probabilities"
        for each in (*args, kwargs.get("generator")):
            if isinstance(each, torch.Generator) and each is not self._generator:
                self.seeds.add(each.initial_seed())
        found = func(*args, **kwargs)
        if func in _KEEPING and isinstance(found, Tensor):
            self._trace.follow(args[0], found)
        return found

    def _look_at_divergence(self, first: Tensor, second: Tensor, log_target: bool) -> None:
        if not _is_distribution(first.exp()):
            self.divergence = self.divergence or "its first argument is not a log-distribution"
        if not _is_distribution(second.exp() if log_target else second):
            self.divergence = self.divergence or "its second argument is not a distribution"
        self.reversed |= second.requires_grad and not first.requires_grad


_KEEPING = frozenset({torch.log_softmax, functional.log_softmax, Tensor.log_softmax})
"""What makes other logits of the same utterances."""

_LOOKED_AT = _KEEPING | {functional.kl_div, functional.cross_entropy, functional.nll_loss}


def _is_distribution(values: Tensor) -> bool:
    """Whether every row of [B, C] is a distribution over the classes."""
    sums = (values.sum(-1) - 1).abs().max()
    return bool(values.min() >= 0) and bool(sums <= CLOSE)
