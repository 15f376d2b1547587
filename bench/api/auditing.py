"""`audit`: membership attacks on the outputs of any model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike


def audit(
    logits: ArrayLike,
    labels: ArrayLike,
    members: ArrayLike,
    *,
    population: tuple[ArrayLike, ArrayLike] | None = None,
    retain: tuple[ArrayLike, ArrayLike] | None = None,
    original: ArrayLike | None = None,
    shadows: tuple[ArrayLike, ArrayLike] | None = None,
    population_shadows: tuple[ArrayLike, ArrayLike] | None = None,
    unlearned_shadows: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Attack a model by what it says of utterances: can it be told which ones it was trained on?

    Every attack runs for which there is what it needs; without further arguments those that look
    at logits alone.

    Args:
        logits: of the audited utterances, [N, C].
        labels: the numbers of their classes, [N].
        members: [N], whether each was trained on and then forgotten; the others must never have
            been trained on, and be as like the members as can be.
        population: logits [P, C] and labels [P] of further utterances never trained on.
        retain: logits [R, C] and labels [R] of utterances that were trained on, and not forgotten.
        original: what the model said of the audited utterances before it forgot, [N, C].
        shadows: logits [K, N, C] of K shadow models, and which was trained with which, [K, N].
        population_shadows: the same shadow models' logits of the population, [K, P, C], and which
            was trained with which, [K, P].
        unlearned_shadows: logits [J, N, C] of shadow models after they forgot, and which of the
            utterances each was trained with and forgot, [J, N].
        seed: draws the resamples of the intervals.

    Returns:
        A line for each attack: attack, auc, auc_low, auc_high, and the same for tpr_at_1fpr, the
        share of the members found where at most 1 % of the others are accused. An area of 0.5 says
        that the attack knows nothing; 0.1 tells as much as 0.9. The intervals of all areas
        hold at once in 95 % of cases, and so do those of all shares.

    Raises:
        ValueError: if a shape is wrong, a logit is not finite, a label is no class, or there are
            no members or no others.
    """
    import numpy as np
    import pandas as pd

    from ser_unlearn.evaluation.membership import ATTACKS, Evidence, Outputs, Shadows
    from ser_unlearn.evaluation.membership import audit as attack

    said, mask = np.asarray(logits, np.float64), np.asarray(members, bool)
    classes = np.asarray(labels)
    if said.ndim != 2 or not mask.shape == classes.shape == said.shape[:1]:
        raise ValueError(
            "logits must be [N, C], labels and members [N], and their shapes are "
            f"{said.shape}, {classes.shape} and {mask.shape}."
        )
    if mask.all() or not mask.any():
        raise ValueError("There must be members and others among the audited utterances.")
    _check_labels(classes, said.shape[1])
    # Members come first.
    order = np.argsort(~mask, kind="stable")

    def outputs(pair: tuple[ArrayLike, ArrayLike] | None) -> Outputs | None:
        if pair is None:
            return None
        found = np.asarray(pair[0], np.float64), np.asarray(pair[1])
        _check_labels(found[1], said.shape[1])
        return Outputs(*found)

    def models(pair: tuple[ArrayLike, ArrayLike] | None, audited: bool = True) -> Shadows | None:
        if pair is None:
            return None
        values, known = np.asarray(pair[0], np.float64), np.asarray(pair[1], bool)
        return Shadows(values[:, order], known[:, order]) if audited else Shadows(values, known)

    evidence = Evidence(
        Outputs(said[order], classes[order]),
        outputs(population),
        outputs(retain),
        models(shadows),
        models(population_shadows, audited=False),
        models(unlearned_shadows),
        None if original is None else np.asarray(original, np.float64)[order],
    )
    chosen = [each for each in ATTACKS if evidence.holds(each.sees)]
    found = attack(evidence, int(mask.sum()), seed, chosen, 1 - 0.05 / len(chosen))
    return pd.DataFrame(
        [
            {
                "attack": each.attack,
                "auc": each.auc.value,
                "auc_low": each.auc.low,
                "auc_high": each.auc.high,
                "tpr_at_1fpr": each.tpr.value,
                "tpr_at_1fpr_low": each.tpr.low,
                "tpr_at_1fpr_high": each.tpr.high,
            }
            for each in found
        ]
    )


def _check_labels(labels: Any, classes: int) -> None:
    if labels.dtype.kind not in "iu" or (
        labels.size and not 0 <= labels.min() <= labels.max() < classes
    ):
        raise ValueError(f"labels must be whole numbers from 0 to {classes - 1}.")
