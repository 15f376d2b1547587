"""Counting the linear algebra that a method does beside its model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Shape = Sequence[int]


class AlgebraMeter(TorchFunctionMode):
    """Counts the operations of matrix products, solutions and inverses, as they are called.

    A Gram matrix of gradients, say, is no part of any model's forward or backward pass.
    Element-wise functions do not count, as they do not in `torch.utils.flop_counter`; nor does what
    autograd does with these products.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        """How many parts of models are at work: what they compute is counted as theirs."""
        self.total = 0
        """Floating-point operations so far."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        count = _COUNTS.get(func)
        if count is not None and not self.inside:
            self.total += count(*args, result)
        return result


def _product(*operands: Any) -> int:
    """Of `left @ right`: a multiplication and an addition for each pair that meets."""
    *_, left, _right, result = operands
    return 2 * int(left.shape[-1]) * int(result.numel())


def _linear(*operands: Any) -> int:
    *_, result = operands
    return 2 * int(operands[0].shape[-1]) * int(result.numel())


def _solution(matrix: Tensor, right: Tensor, *_: Any) -> int:
    return solution_flops(matrix.shape, right.shape)


def _inverse(matrix: Tensor, *_: Any) -> int:
    return inverse_flops(matrix.shape)


def product_flops(left: Shape, _right: Shape, *_: Any, **__: Any) -> int:
    """Of a matrix, or a vector, with a vector."""
    return 2 * prod(left)


def solution_flops(matrix: Shape, right: Shape, *_: Any, **__: Any) -> int:
    """Of a system with a square matrix by LU decomposition; the right side is [n] or [n, k]."""
    return round(2 / 3 * matrix[-1] ** 3) + 2 * matrix[-1] * prod(right)


def inverse_flops(matrix: Shape, *_: Any, **__: Any) -> int:
    """Of a square matrix, or of several."""
    return 2 * matrix[-1] * prod(matrix)


_COUNTS: dict[Any, Callable[..., int]] = {
    **dict.fromkeys(
        (torch.matmul, torch.mm, torch.bmm, torch.mv, torch.dot, torch.addmm), _product
    ),
    **dict.fromkeys((Tensor.matmul, Tensor.mm, Tensor.bmm, Tensor.mv, Tensor.dot), _product),
    **dict.fromkeys((Tensor.__matmul__, Tensor.addmm), _product),
    functional.linear: _linear,
    torch.linalg.solve: _solution,
    **dict.fromkeys((torch.linalg.inv, torch.inverse), _inverse),
}
"""By function: how many operations a call takes, of its arguments and its result."""

UNKNOWN_TO_TORCH: dict[Any, Callable[..., int]] = {
    torch.ops.aten.mv: product_flops,
    torch.ops.aten.dot: product_flops,
    torch.ops.aten._linalg_solve_ex: solution_flops,
    torch.ops.aten.linalg_inv_ex: inverse_flops,
}
"""What `FlopCounterMode` does not count by itself, by the operator that does it; for its
`custom_mapping`."""
