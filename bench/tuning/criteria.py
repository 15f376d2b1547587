"""Criteria: by what tuning judges an unlearned model.

None looks at the held-out or the test set: those are what reported numbers are measured on. The
validation set stands in for both. Where a method needs no validation data, the set is still the
user's own: utterances kept back from training.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ser_unlearn.errors import UserError
from ser_unlearn.results.meanings import ROUNDING, WIPED_OUT

if TYPE_CHECKING:
    from ser_unlearn.recogniser.outputs import Logits
    from ser_unlearn.recogniser.setup import Trained
    from ser_unlearn.unlearning.request import Request

Judge = Callable[["Logits"], float]
"""What a model says of every utterance [N, C], to a number of at least 0: the smaller, the better.
"""

REFERENCES = 3
"""How many models retrained with seeds of their own the distance is to."""

TIMEOUT_S = 120.0
"""What a method may take on one request (seconds), where the user does not say."""


@dataclass(frozen=True)
class Criterion:
    """What tuning makes small."""

    meaning: str
    unit: str
    """What a value counts."""
    mean: Callable[[Sequence[float]], float]
    """Of the values on several requests."""
    judge: Callable[[Request], Judge]
    """Makes the judge of the answers to a request."""
    retrained: bool = False
    """Whether it needs the model retrained with the original's seed."""
    references: int = 0
    """How many models retrained with seeds of their own it needs."""

    def anew(self, request: Request) -> Trained:
        """A model trained anew: what costs more is no unlearning.

        It is one of those that the criterion needs, without the forget set if there is such a one.
        """
        if self.references:
            return request.references(1)[0]
        return request.retrained if self.retrained else request.original


def geometric_mean(values: Sequence[float]) -> float:
    """Of ratios: twice as far and half as far are, in the mean, as far."""
    return math.prod(values) ** (1 / len(values))


def _distance(request: Request) -> Judge:
    """The distance to retraining (`evaluation.distance`), on validation data for test data."""
    from ser_unlearn.evaluation.distance import Retraining

    references = [each.logits for each in request.references(REFERENCES)]
    sets = {**request.sets, "test": request.sets["validation"]}
    retraining = Retraining(references, sets, request.original.logits)

    def judge(logits: Logits) -> float:
        found = retraining.metrics(logits)["distance"]
        if found is None:
            raise UserError(
                f"Models of '{request.setup.corpus.card.name}' retrained with other seeds agree "
                "to the last digit: no distance can be measured. Tune by another criterion."
            )
        return found

    return judge


def _oracle(request: Request) -> Judge:
    """The average gap to the retrained model (`metrics.gap_to_retrain`), on validation data."""
    from ser_unlearn.evaluation.behaviour import Reference
    from ser_unlearn.evaluation.metrics import gap_to_retrain

    validation = request.sets["validation"]
    reference = Reference(
        request.original.logits,
        (request.retrained.logits,),
        request.setup.labels,
        replace(request.setup.split, validation=[], heldout=validation, test=validation),
        request.sets["forget"],
        request.forget_seed,
    )

    def judge(logits: Logits) -> float:
        return gap_to_retrain(reference.behaviour(logits), reference.retrained_behaviour)

    return judge


def _correct(request: Request, logits: Logits, name: str) -> float:
    """The accuracy of a model with these outputs on a set of a request, in 0..1."""
    from ser_unlearn.evaluation.metrics import accuracy

    places = request.sets[name]
    return accuracy(logits[places], request.setup.labels[places])


def _wiped_out(request: Request) -> Judge:
    """Validation accuracy lost, in points, where the forget set is wiped out (`WIPED_OUT`).

    Where it is not, any loss is better: 100, and the points that are missing.
    """
    before = _correct(request, request.original.logits, "validation")

    def judge(logits: Logits) -> float:
        missing = WIPED_OUT - (1 - _correct(request, logits, "forget"))
        if missing > ROUNDING:
            return 100 + 100 * missing
        return 100 * max(0.0, before - _correct(request, logits, "validation"))

    return judge


def _retrain_free(request: Request) -> Judge:
    """100 * (|A_f(unlearned) - A_v(original)| + max(0, A_v(original) - A_v(unlearned))).

    A_f and A_v are the accuracies on the forget and the validation set. A model is to recognise
    what it forgot as well as what it never heard, and unseen utterances no worse than before. Of a
    speaker whom it is to forget altogether it ought to recognise less: the validation set holds
    speakers whom training hears, and so asks for too little there.
    """
    unseen = _correct(request, request.original.logits, "validation")

    def judge(logits: Logits) -> float:
        loss = max(0.0, unseen - _correct(request, logits, "validation"))
        return 100 * (abs(_correct(request, logits, "forget") - unseen) + loss)

    return judge


CRITERIA: dict[str, Criterion] = {
    "distance": Criterion(
        f"how many times as far from {REFERENCES} retrained models the model is as these are from "
        "each other, joined over forget and validation set",
        "times retraining's own",
        geometric_mean,
        _distance,
        references=REFERENCES,
    ),
    "wiped-out": Criterion(
        f"validation accuracy lost, in points, with at least {WIPED_OUT:.0%} of the forget set "
        "forgotten; with less, 100 and the points that are missing",
        "points",
        statistics.fmean,
        _wiped_out,
    ),
    "oracle": Criterion(
        "mean absolute difference to the retrained model over forget, retain and validation "
        "accuracy and the attack by the loss, forget against validation, in points",
        "points",
        statistics.fmean,
        _oracle,
        retrained=True,
    ),
    "retrain-free": Criterion(
        "absolute difference between the forget accuracy and the original's validation accuracy, "
        "plus the validation accuracy lost, in points",
        "points",
        statistics.fmean,
        _retrain_free,
    ),
}


def check_validation(request: Request) -> None:
    """Refuse a corpus on which no criterion can be computed.

    Raises:
        UserError: if the corpus has no validation set.
    """
    if not request.sets["validation"]:
        raise UserError(
            f"The corpus '{request.setup.corpus.card.name}' has no validation set to tune on. "
            "Give it a share in the card's `split`."
        )
