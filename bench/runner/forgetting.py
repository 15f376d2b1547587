"""A forget request done: a trained model that somebody has, and recordings that it is to forget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ser_unlearn.errors import UserError
from ser_unlearn.evaluation.behaviour import evaluate, reference_of
from ser_unlearn.evaluation.spread import groups_of, spread
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Provenance, Seeds
from ser_unlearn.runner.answers import Answer, attempt
from ser_unlearn.runner.grid import Options, place_of
from ser_unlearn.runner.places import worker
from ser_unlearn.runner.suite import TIMEOUT_S

if TYPE_CHECKING:
    from torch import Tensor

    from ser_unlearn.data.corpus import Utterance
    from ser_unlearn.recogniser.outputs import Logits
    from ser_unlearn.unlearning.registry import Row

ACCURACIES = (
    "forget_accuracy",
    "heldout_accuracy",
    "retain_accuracy",
    "test_accuracy",
    "test_uar",
)
"""What is measured of the model before and after."""

BY_LOSS = ("mia_auc", "mia_tpr_at_1fpr")
"""The same, of the attack by the loss."""


@dataclass(frozen=True)
class Forgotten:
    """What came of a forget request."""

    row: Row
    """The method that did it."""
    state: Mapping[str, Tensor]
    """The unlearned model's weights."""
    forget: list[Utterance]
    sizes: Mapping[str, int]
    """How many utterances each set has."""
    before: Mapping[str, float]
    """Of `ACCURACIES` and `BY_LOSS`, the original's."""
    after: Mapping[str, float | None]
    """Every metric of the unlearned model that takes no retrained one."""
    provenance: Provenance


def forget(corpus: str, recipe: str, scenario: str, row: Row, options: Options) -> Forgotten:
    """Make a trained model forget, and measure what can be measured without retraining.

    Args:
        corpus: a card, whose training set the model was trained on.
        recipe: of the model.
        scenario: what is to be forgotten, by names that the store knows.
        row: the method with its parameters.
        options: where; with the checkpoint.

    Raises:
        UserError: if the request asks for what is not there, or the method fails.
    """
    answer = Answer(
        place_of(corpus, recipe, options),
        scenario,
        row,
        Seeds(model=0, forget=0, method=0),
        options.limits(TIMEOUT_S),
        provenance(options.device),
    )
    with worker():
        request = answer.request
        status, reason, found = attempt(lambda: answer.answer(request))
        if found is None:
            raise UserError(
                f"The method '{row.label}' did not do it ({status}: {reason}). Nothing was "
                "written. Choose another with --method."
            )
        reference = reference_of(request, references=0)

        def measured(logits: Logits) -> dict[str, Any]:
            auc, tpr = reference.by_loss(logits)
            by_loss = dict(zip(BY_LOSS, (auc, tpr), strict=True))
            return {**evaluate(logits, reference, ["metrics.accuracy"]), **by_loss}

        before = measured(request.original.logits)
        groups = groups_of(request.setup.corpus)
        harm = spread(found.logits, reference, groups)
        after = {**measured(found.logits), **harm, **found.costs.as_dict()}
        utterances = request.setup.corpus.utterances
        return Forgotten(
            row,
            found.state,
            [utterances[place] for place in request.sets["forget"]],
            {name: len(places) for name, places in request.sets.items()},
            {name: before[name] for name in (*ACCURACIES, *BY_LOSS)},
            {name: value for name, value in after.items() if value is not None},
            found.provenance,
        )
