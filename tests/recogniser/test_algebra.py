"""Operations beside the model: each call counts what its formula says, and models apart."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.utils.flop_counter import FlopCounterMode

from ser_unlearn.recogniser.algebra import UNKNOWN_TO_TORCH, AlgebraMeter
from ser_unlearn.recogniser.costs import FlopMeter, Meter

A, B = torch.randn(3, 5), torch.randn(5, 7)
SQUARE = A @ A.T + torch.eye(3)
ROWS = torch.randn(4, 3, 5)


@pytest.mark.parametrize(
    ("call", "operations"),
    [
        (lambda: A @ B, 2 * 3 * 5 * 7),
        (lambda: torch.mm(A, B), 2 * 3 * 5 * 7),
        (lambda: A.matmul(B), 2 * 3 * 5 * 7),
        (lambda: ROWS @ B, 2 * 4 * 3 * 5 * 7),
        (lambda: A @ B[:, 0], 2 * 3 * 5),
        (lambda: A[0] @ A[1], 2 * 5),
        (lambda: torch.addmm(torch.zeros(7), A, B), 2 * 3 * 5 * 7),
        (lambda: linear(A, B.T), 2 * 3 * 5 * 7),
        (lambda: torch.linalg.solve(SQUARE, A), 18 + 2 * 3 * 15),
        (lambda: torch.linalg.inv(SQUARE), 2 * 27),
        (lambda: torch.linalg.solve(SQUARE, A[:, 0]), 18 + 2 * 3 * 3),
        (lambda: (A + 1) * A.relu(), 0),
    ],
)
def test_a_call_counts_what_its_formula_says(call: Callable[[], Tensor], operations: int):
    with AlgebraMeter() as meter:
        call()
    assert meter.total == operations
    counter = FlopCounterMode(display=False, custom_mapping=UNKNOWN_TO_TORCH)
    with counter:
        call()
    assert counter.get_total_flops() == operations


def test_nothing_counts_once_it_is_left():
    with AlgebraMeter() as meter:
        pass
    A @ B
    assert meter.total == 0


def test_what_a_model_or_its_copy_computes_is_counted_once_as_the_models():
    model = nn.Sequential(nn.Linear(5, 7))
    meter = FlopMeter(model)
    with meter.algebra:
        model(A)
        copy.deepcopy(model)(A)
        beside = meter.algebra.total
        A @ B
    meter.close()
    assert beside == 0
    assert meter.total() == 3 * (2 * 3 * 5 * 7)


def test_a_part_that_fails_leaves_the_count_of_what_comes_after():
    model = nn.Sequential(nn.Linear(5, 7))
    meter = FlopMeter(model)
    with meter.algebra:
        with pytest.raises(RuntimeError):
            model(B)
        A @ B
    meter.close()
    assert meter.total() == 2 * 3 * 5 * 7


def test_a_method_pays_for_its_gram_matrix():
    model, meter = nn.Sequential(nn.Linear(5, 7)), Meter(torch.device("cpu"))
    with meter.measure(model):
        A @ A.T
    assert meter.costs().flops == 2 * 3 * 5 * 3
