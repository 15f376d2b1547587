"""What every method must do, whatever it is: a suite of checks on a toy corpus.

Published re-implementations go silently wrong in ways that a table of results does not show: a
teacher that learns with its student, an optimiser over another model, a divergence of raw logits,
a gradient with the wrong sign, the untouched model returned. Each check looks for one such fault.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from ser_unlearn.checks.spies import DivergenceSpy, TeacherSpy
from ser_unlearn.checks.subjects import (
    CheckError,
    Subject,
    checksum,
    copy_of,
    finite,
    same,
    shared_toy,
)
from ser_unlearn.checks.toy import EMOTIONS, FORGET, make_task, sets_of
from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.recogniser.features import Ragged
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.recogniser.outputs import predict
from ser_unlearn.unlearning.task import DATA


def check_fields(subject: Subject) -> None:
    """It constructs with its defaults, and its fields are plain JSON."""
    fields = dataclasses.asdict(subject.cls())
    if json.loads(json.dumps(fields)) != fields:
        raise CheckError(f"its fields {fields} do not survive JSON: use bool, int, float or str")
    changes = [subject.cls.smoke, *subject.cls.variants.values()]
    unknown = {name for change in changes for name in change} - set(fields)
    if unknown:
        raise CheckError(f"smoke or variants name {', '.join(unknown)}, which is no field")


def check_documentation(subject: Subject) -> None:
    """Its docstring has a summary and explains every field; it names a paper and known data."""
    text = inspect.getdoc(subject.cls) or ""
    missing = [
        field.name for field in dataclasses.fields(subject.cls) if f"{field.name}:" not in text
    ]
    if missing:
        raise CheckError(f"its docstring does not explain {', '.join(missing)} under Attributes")
    if not subject.info.summary.endswith("."):
        raise CheckError("the first paragraph of its docstring is not a sentence")
    unknown = subject.info.needs - set(DATA)
    if unknown:
        raise CheckError(f"needs names {', '.join(unknown)}; known: {', '.join(DATA)}")


def check_declared_data(subject: Subject) -> None:
    """It touches only the data that it declares, also behind the task's back."""
    clean = shared_toy()
    declared = set()
    for name in subject.info.needs - {"statistics"}:
        declared |= set(sets_of(clean, FORGET)[name])
    # What was trained or kept from training knows no poison.
    make_task(clean, frozenset(DATA))
    poisoned = copy.copy(clean)
    items = [
        item if place in declared else torch.full_like(item, torch.nan)
        for place, item in enumerate(clean.features)
    ]
    poisoned.__dict__["features"] = Ragged.of(items)
    try:
        run = subject.run(setup=poisoned)
    except UndeclaredDataError as error:
        raise CheckError(str(error)) from error
    if not finite(run.after):
        raise CheckError("it touches data that it does not declare, behind the task's back")


def check_result(subject: Subject) -> None:
    """It returns a finite model of the same architecture."""
    run = subject.usual
    shapes = {name: tensor.shape for name, tensor in run.after.items()}
    if shapes != {name: tensor.shape for name, tensor in run.before.items()}:
        raise CheckError("the model that it returns has another architecture")
    if not finite(run.after):
        raise CheckError("the model that it returns has weights that are not finite")


def check_weights_change(subject: Subject) -> None:
    """It returns the model that it changed, not the one that it was given."""
    does_something = subject.info.needs or dataclasses.fields(subject.cls)
    if does_something and same(subject.usual.before, subject.usual.after):
        raise CheckError(
            "the weights that it returns are those that it was given: it trains another model, "
            "or returns the wrong one"
        )


def check_original_is_kept(subject: Subject) -> None:
    """The original model in the store stays as it was, bit for bit."""
    setup = shared_toy()
    before = copy_of(setup.trained(setup.split.train, 0).state)
    subject.run()
    if not same(before, setup.trained(setup.split.train, 0).state):
        raise CheckError("it changed the stored original, not only its private copy")


def check_teachers(subject: Subject) -> None:
    """A model that is asked without gradients, a teacher, does not learn with its student."""
    spy = TeacherSpy()
    run = subject.run(watch=spy)
    if spy.changed:
        raise CheckError(
            "a model is asked for outputs without gradients after its weights have changed: the "
            "teacher is the student. Use frozen_copy(model), and task.accuracy to look at progress"
        )
    student = {weight.data_ptr() for weight in run.returned.parameters()}
    for teacher in spy.teachers:
        shared = student & {weight.data_ptr() for weight in teacher.parameters()}
        if teacher is not run.returned and shared:
            raise CheckError("a teacher shares its weights with the student: use frozen_copy")


def check_divergences(subject: Subject) -> None:
    """What goes into a KL divergence are distributions, not raw logits."""
    spy = DivergenceSpy()
    subject.run(watch=spy)
    if spy.fault:
        raise CheckError(f"kl_div is called, and {spy.fault}: take log_softmax and softmax first")


def check_direction(subject: Subject) -> None:
    """Run in full, it harms what is to be forgotten more than what is to be kept."""
    if "forget" not in subject.info.needs:
        return
    setup = shared_toy()
    labels = torch.from_numpy(setup.labels)
    retain = sorted(set(setup.split.train) - set(FORGET))

    def losses(model: Recogniser) -> tuple[float, float]:
        forget, kept = (
            cross_entropy(predict(model, setup.features, places, setup.device), labels[places])
            for places in (list(FORGET), retain)
        )
        return float(forget), float(kept)

    run = subject.run(short=False)
    if same(run.before, run.after):
        # A method may find nothing to change in so small a model; `weights_change` sees to others.
        return
    before = losses(setup.load(setup.trained(setup.split.train, 0).state))
    after = losses(run.returned)
    if after[0] - before[0] <= after[1] - before[1]:
        raise CheckError(
            f"the loss of the forget set changes by {after[0] - before[0]:+.4f}, that of the "
            f"retain set by {after[1] - before[1]:+.4f}: a sign may be wrong"
        )


def check_determinism(subject: Subject) -> None:
    """The same seed gives the same weights, bit for bit; another seed others, if it draws."""
    again = subject.run()
    if not same(subject.usual.after, again.after):
        raise CheckError("two runs with the same seed differ: draw from task.generator alone")
    if subject.usual.drew and same(subject.usual.after, subject.run(seed=1).after):
        raise CheckError("it draws random numbers, but another seed gives the same weights")


def check_fresh_process(subject: Subject) -> None:
    """It can be sent to another process, and gives the same weights there."""
    if pickle.loads(pickle.dumps(subject.method({}))) != subject.method({}):
        raise CheckError("it does not survive pickling")
    there = _fresh_process().submit(_checksum_of_run, subject.path, subject.variant)
    if there.result() != checksum(subject.usual.after):
        raise CheckError("a fresh process gives other weights: it depends on global state")


def check_model_is_left_usable(subject: Subject) -> None:
    """Weights take gradients as before; batch normalisation's statistics are as declared."""
    run = subject.usual
    if not all(weight.requires_grad for weight in run.returned.parameters()):
        raise CheckError("some weights of the returned model no longer take gradients")
    kept = all(
        torch.equal(run.after[f"{name}.{buffer}"], run.before[f"{name}.{buffer}"])
        for name, module in run.returned.named_modules()
        if isinstance(module, _BatchNorm)
        for buffer in ("running_mean", "running_var")
    )
    if subject.cls.learns_statistics == kept:
        raise CheckError(
            "it keeps the statistics of batch normalisation, though `learns_statistics` is True"
            if kept
            else "it changes the statistics of batch normalisation: use train_mode(model) to "
            "train, or set `learns_statistics` if it is meant to"
        )


def check_batch_of_one(subject: Subject) -> None:
    """It works with batches of one utterance."""
    sizes = {
        field.name: 1
        for field in dataclasses.fields(subject.cls)
        if field.name.endswith("batch_size")
    }
    if sizes and not finite(subject.run(changes=sizes).after):
        raise CheckError("with batches of one utterance its weights are not finite")


def check_one_utterance(subject: Subject) -> None:
    """It works on a forget set of one utterance."""
    if not finite(subject.run(forget=(7,)).after):
        raise CheckError("on a forget set of one utterance its weights are not finite")


def check_whole_emotion(subject: Subject) -> None:
    """It works on a forget set that holds every utterance of an emotion."""
    if not finite(subject.run(forget=tuple(range(0, 36, EMOTIONS))).after):
        raise CheckError("on a forget set of a whole emotion its weights are not finite")


def check_operations(subject: Subject) -> None:
    """Its floating-point operations are counted as torch counts them."""
    counter = FlopCounterMode(display=False)
    # It would hook every tensor to tell modules apart, and fails on gradients of leaves.
    counter.mod_tracker = _OneModule()  # type: ignore[assignment]
    run = subject.run(watch=counter, measured=True)
    retain = sorted(set(shared_toy().split.train) - set(FORGET))
    # A charge stands for a training that ran elsewhere, where torch's counter did not see it.
    charged = shared_toy().trained(retain, 0).costs.flops if run.operations else 0
    counted = counter.get_total_flops() or charged
    if run.operations != counted:
        raise CheckError(
            f"{run.operations} operations are counted, but torch counts {counted}: call the model "
            "or its direct children, and freeze weights that need no gradient"
        )


CHECKS: dict[str, Callable[[Subject], None]] = {
    function.__name__.removeprefix("check_"): function
    for function in (
        check_fields,
        check_documentation,
        check_declared_data,
        check_result,
        check_weights_change,
        check_original_is_kept,
        check_teachers,
        check_divergences,
        check_direction,
        check_determinism,
        check_fresh_process,
        check_model_is_left_usable,
        check_batch_of_one,
        check_one_utterance,
        check_whole_emotion,
        check_operations,
    )
}
"""Every check by its name."""


def verdict(subject: Subject, check: str) -> str:
    """Run one check: an empty string where it passes, else what is wrong."""
    try:
        CHECKS[check](subject)
    except CheckError as error:
        return str(error)
    # A contributor's file may raise anything, and may try to end the process.
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return ""


class _OneModule:
    """Stands in for torch's module tracker: everything belongs to the whole."""

    parents = frozenset({"Global"})

    def __enter__(self) -> _OneModule:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@cache
def _fresh_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _checksum_of_run(path: Path, variant: str | None) -> str:
    """What another process makes of a subject."""
    torch.set_num_threads(1)
    return checksum(Subject(path, variant).run().after)
