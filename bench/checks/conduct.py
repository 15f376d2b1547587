"""Checks of how a method works: what it touches, whom it asks, what its losses are of."""

from __future__ import annotations

import torch

from ser_unlearn.checks.subjects import CheckError, Subject, finite, shared_toy
from ser_unlearn.checks.toy import FORGET, sets_of
from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.recogniser.features import Ragged


def check_declared_data(subject: Subject) -> None:
    """It touches only the data that it declares, also behind the task's back."""
    poisoned = shared_toy().fresh(subject.info.needs)
    declared = set()
    for name in subject.info.needs - {"statistics"}:
        declared |= set(sets_of(poisoned, FORGET)[name])
    items = [
        item if place in declared else torch.full_like(item, torch.nan)
        for place, item in enumerate(poisoned.features)
    ]
    poisoned.__dict__["features"] = Ragged.of(items)
    try:
        run = subject.run(setup=poisoned)
    except UndeclaredDataError as error:
        raise CheckError(str(error)) from error
    if not finite(run.after):
        raise CheckError("it touches data that it does not declare, behind the task's back")


def check_declared_is_used(subject: Subject) -> None:
    """It uses all the data that it declares."""
    idle = subject.info.needs - subject.seen().whole().used
    if idle:
        raise CheckError(
            f"it declares {', '.join(sorted(idle))}, and never looks at it: another set may stand "
            "in its place"
        )


def check_private_parts(subject: Subject) -> None:
    """It keeps to what the task offers, and leaves the task as it is."""
    private = subject.seen().private
    if private:
        raise CheckError(
            f"it touches {', '.join(private)}: in a run, nothing lies there that it did not "
            "declare, and what the task gives comes at its price"
        )


def check_outside_world(subject: Subject) -> None:
    """It starts no program, and opens no file and no connection."""
    outside = subject.seen().outside
    if outside:
        raise CheckError(f"{outside[0]}: all that it needs comes from the task")


def check_teachers(subject: Subject) -> None:
    """A model that is asked without gradients, a teacher, does not learn with its student."""
    seen = subject.seen().whole()
    if seen.teacher_changed:
        raise CheckError(
            "a model is asked for outputs without gradients after its weights have changed: the "
            "teacher is the student. Use frozen_copy(model), and task.accuracy to look at progress"
        )
    if seen.teacher_shared:
        raise CheckError("a teacher shares its weights with the student: use frozen_copy")


def check_frozen_teachers(subject: Subject) -> None:
    """No gradient goes to a model that does not learn from it."""
    if subject.seen().whole().teacher_thawed:
        raise CheckError("a teacher's weights take gradients: use frozen_copy(model)")


def check_divergences(subject: Subject) -> None:
    """What goes into a KL divergence are distributions, not raw logits."""
    fault = subject.seen().whole().divergence
    if fault:
        raise CheckError(f"kl_div is called, and {fault}: take log_softmax and softmax first")


def check_divergence_direction(subject: Subject) -> None:
    """A KL divergence takes the student's log-probabilities first and its target second."""
    if subject.seen().whole().reversed:
        raise CheckError(
            "kl_div takes gradients through its target alone: its arguments are swapped, "
            "kl_div(student, teacher) is KL(teacher || student)"
        )


def check_losses(subject: Subject) -> None:
    """What goes into a cross-entropy are logits, not probabilities."""
    fault = subject.seen().whole().loss
    if fault:
        raise CheckError(f"{fault}: a softmax is missing or taken twice")


def check_wrong_labels(subject: Subject) -> None:
    """Where it gives the forget set wrong labels, no utterance of a batch keeps its true one."""
    if subject.seen().whole().some_true:
        raise CheckError(
            "among the wrong labels of the forget set are true ones: draw them with other_labels"
        )


def check_masks(subject: Subject) -> None:
    """A weight whose gradient is always made zero stays as it was."""
    if subject.seen().whole().mask_leaks:
        raise CheckError(
            "weights move whose gradients it masks: weight decay leaks through the mask. Put them "
            "back after each step"
        )


def check_last_step(subject: Subject) -> None:
    """With the retain set to repair with, its last step is not on the forget set alone."""
    steps = subject.seen().whole().steps
    if any("retain" in step for step in steps) and steps[-1] == {"forget"}:
        raise CheckError("it ends on the forget set: nothing repairs what its last steps harm")


def check_own_seed(subject: Subject) -> None:
    """It draws from no seed of its own, which would be the same for every seed of the method."""
    seeds = subject.seen().whole().seeds
    if seeds and seeds & subject.seen(seed=1).seeds:
        raise CheckError(
            "it seeds random numbers by a number of its own: draw them, or the seed, from "
            "task.generator"
        )
