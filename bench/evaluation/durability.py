"""Does forgetting last? What a model still knows once it is compressed, or trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ser_unlearn.evaluation import metrics
from ser_unlearn.recogniser.outputs import Logits, cross_entropy, predict

if TYPE_CHECKING:
    from torch import Tensor

    from ser_unlearn.recogniser.model import Recogniser
    from ser_unlearn.recogniser.setup import Setup
    from ser_unlearn.unlearning.request import Request

STAGE = "durability"
"""The family of metrics, and the stage whose revision they have."""

PRUNED_SHARE = 0.3
"""Of the weights."""


def durability(
    setup: Setup, request: Request, state: Mapping[str, Tensor], seed: int
) -> dict[str, float]:
    """Compress a model in two ways, and train it on the forget set.

    Every model changes in these, also one that never knew the forget set. The retrained model's
    own numbers, from this function, say what to expect.

    Args:
        setup: corpus and recipe.
        request: what was forgotten, by which model.
        state: the model's weights; not written to.
        seed: of the order and the crops of training.

    Returns:
        "quantised_return" and "pruned_return": forget accuracy of the model rounded to int8, and
        with `PRUNED_SHARE` of its weights set to zero, minus the model's own, in points;
        "quantised_test_accuracy" and "pruned_test_accuracy" in 0..1; "relearn_steps".
    """
    import torch

    from ser_unlearn.evaluation.compression import pruned, quantised
    from ser_unlearn.evaluation.relearning import relearn_steps

    forget, test = request.sets["forget"], request.sets["test"]
    original, labels = request.original.logits[forget], setup.labels[forget]

    def said_by(model: Recogniser, places: Sequence[int]) -> Logits:
        logits: Logits = predict(model, setup.features, places, setup.device).numpy()
        return logits

    model = setup.load(state)
    before = said_by(model, forget)
    known = metrics.accuracy(before, labels)
    found = {}
    for name, weights in (
        ("quantised", quantised(state)),
        ("pruned", pruned(state, PRUNED_SHARE)),
    ):
        compressed = setup.load(weights)
        after = metrics.accuracy(said_by(compressed, forget), labels)
        found[f"{name}_return"] = 100 * (after - known)
        found[f"{name}_test_accuracy"] = metrics.accuracy(
            said_by(compressed, test), setup.labels[test]
        )
    found["relearn_steps"] = float(
        relearn_steps(
            model,
            setup.utterances(forget, torch.Generator().manual_seed(seed)),
            seed,
            before,
            accuracy=metrics.accuracy(original, labels),
            loss=float(cross_entropy(original, labels).mean()),
        )
    )
    return found
