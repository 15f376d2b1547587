"""Checks that a method does the same again: with the same seed, after another run, elsewhere."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import torch

from ser_unlearn.checks.subjects import CheckError, Run, Subject, checksum, same
from ser_unlearn.unlearning.server import begin, context

OTHERS = (6, 13, 20, 27, 34)
"""Positions of another forget set than the usual one."""


def check_determinism(subject: Subject) -> None:
    """The same seed gives the same weights, bit for bit; another seed others, if it draws."""
    again = subject.run()
    if not same(subject.usual.after, again.after):
        raise CheckError("two runs with the same seed differ: draw from task.generator alone")
    if subject.usual.drew and same(subject.usual.after, subject.run(seed=1).after):
        raise CheckError("it draws random numbers, but another seed gives the same weights")


def check_fresh_process(subject: Subject) -> None:
    """It can be sent to another process, and does there, as its first, what it does here later."""
    if pickle.loads(pickle.dumps(subject.method({}))) != subject.method({}):
        raise CheckError("it does not survive pickling")
    there = _fresh_process().submit(_checksum_of_run, subject.path, subject.variant)
    # It has run before, and may have kept something.
    assert subject.usual
    if there.result() != checksum(_run(subject).after):
        raise CheckError(
            "a fresh process gives other weights: it depends on what its module kept of runs "
            "before, or on other global state"
        )


@cache
def _fresh_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, context(), begin)


def end_fresh_process() -> None:
    """End the process that `check_fresh_process` keeps, if there is one."""
    if _fresh_process.cache_info().currsize:
        _fresh_process().shutdown()
        _fresh_process.cache_clear()


def _run(subject: Subject) -> Run:
    return subject.run(forget=OTHERS, seed=1)


def _checksum_of_run(path: Path, variant: str | None) -> str:
    """What another process makes of a subject."""
    torch.set_num_threads(1)
    return checksum(_run(Subject(path, variant)).after)
