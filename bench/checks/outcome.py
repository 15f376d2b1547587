"""Checks of what a method leaves: its model, whom that has forgotten, and what it cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from math import log

import torch
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from ser_unlearn.checks.subjects import CheckError, Run, Subject, finite, same
from ser_unlearn.checks.toy import EMOTIONS
from ser_unlearn.recogniser.algebra import UNKNOWN_TO_TORCH
from ser_unlearn.recogniser.outputs import predict

EMOTION, OTHER_EMOTION = (tuple(range(first, 36, EMOTIONS)) for first in (0, 1))
SOME, OTHERS = tuple(range(6)), tuple(range(6, 12))
"""Positions of forget sets: every utterance of an emotion, or some of each."""
PAIRS = ((EMOTION, OTHER_EMOTION), (SOME, OTHERS))


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


def check_whole_model(subject: Subject) -> None:
    """With data to learn from, it changes more than the classifier."""
    run = subject.usual
    changed = {
        name
        for name, _ in run.returned.named_parameters()
        if (run.after[name] != run.before[name]).any()
    }
    if subject.info.needs and changed and all(each.startswith("classifier.") for each in changed):
        raise CheckError(
            "it changes the classifier alone: the embeddings still know what is forgotten"
        )


def check_original_is_kept(subject: Subject) -> None:
    """The original model in the store stays as it was, bit for bit."""
    run = subject.usual
    if not same(run.before, run.toy.trained(run.toy.split.train, 0).state):
        raise CheckError("it changed the stored original, not only its private copy")


def check_direction(subject: Subject) -> None:
    """What it forgets is harmed more than it would be if other utterances were forgotten."""
    if "forget" not in subject.info.needs:
        return
    # The harm of a short run is small: both pairs together must tell.
    short = [_harms(subject, pair, short=True) for pair in PAIRS]
    if _clear([each for harms, _ in short for each in harms]) or _useless(short):
        return
    # In full it shows on one of two: weights that are drawn anew, or goals that take turns, may
    # miss the other by chance.
    full = []
    for pair in PAIRS:
        full.append(_harms(subject, pair, short=False))
        if _clear(full[-1][0]):
            return
    if _useless(full):
        return
    fault = " and ".join(f"{sum(harms) / 2:+.4f}" for harms, _ in short)
    raise CheckError(
        f"the loss of what it forgets ends {fault} above what it would be were something "
        "else forgotten: a sign may be wrong, or another set taken for it"
    )


def _clear(harms: Sequence[float]) -> bool:
    """Whether what is forgotten is harmed, by far more than some of it is spared."""
    harmed, spared = (sum(max(sign * each, 0.0) for each in harms) for sign in (1, -1))
    return harmed > 10 * spared


def _useless(found: Iterable[tuple[tuple[float, float], bool]]) -> bool:
    """Whether what `_harms` finds says nothing: so small a model is ruined, and chance decides."""
    return all(ruined and max(harms) > 0 for harms, ruined in found)


def _harms(
    subject: Subject, pair: tuple[tuple[int, ...], tuple[int, ...]], *, short: bool
) -> tuple[tuple[float, float], bool]:
    """How much higher the loss of each of two sets ends if it is forgotten than if the other is.

    The method is never handed the one that it is not to forget, so that only its own treatment
    of the forget set makes a difference. The second value is True where the model that it leaves
    does worse on the retain set than to guess: a small difference says nothing then.
    """
    runs = [
        subject.run(forget=forget, kept_back=other, short=short)
        for forget, other in (pair, pair[::-1])
    ]
    retain = tuple(set(runs[0].toy.split.train) - {*pair[0], *pair[1]})
    ruined = max(_loss(run, retain) for run in runs) > log(EMOTIONS)
    (first, first_spared), (second_spared, second) = (
        [_loss(run, places) for run in runs] for places in pair
    )
    return (first - first_spared, second - second_spared), ruined


def _loss(run: Run, places: tuple[int, ...]) -> float:
    """The mean cross-entropy of utterances, in nats."""
    logits = predict(run.returned, run.toy.features, places, run.toy.device)
    return float(cross_entropy(logits, torch.from_numpy(run.toy.labels)[list(places)]))


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
    if not finite(subject.run(forget=EMOTION).after):
        raise CheckError("on a forget set of a whole emotion its weights are not finite")


def check_operations(subject: Subject) -> None:
    """Its floating-point operations are counted as torch counts them, and all are charged to it."""
    counter = FlopCounterMode(display=False, custom_mapping=UNKNOWN_TO_TORCH)
    # It would hook every tensor to tell modules apart, and fails on gradients of leaves.
    counter.mod_tracker = _OneModule()  # type: ignore[assignment]
    run = subject.run(watch=lambda _: counter, measured=True)
    counted = counter.get_total_flops()
    if run.charged and run.operations < counted + run.charged:
        raise CheckError("the retrained model costs it nothing: task.retrained() charges for it")
    if run.operations != counted + run.charged:
        raise CheckError(
            f"{run.operations} operations are counted, but torch counts {counted}: call the model "
            "or its direct children, and freeze weights that need no gradient"
        )


class _OneModule:
    """Stands in for torch's module tracker: everything belongs to the whole."""

    parents = frozenset({"Global"})

    def __enter__(self) -> _OneModule:
        return self

    def __exit__(self, *_: object) -> None:
        pass
