"""What every method must do, whatever it is: a suite of checks on a toy corpus.

Published re-implementations go silently wrong in ways that a table of results does not show: a
teacher that learns with its student, an optimiser over another model, a divergence of raw logits,
a gradient with the wrong sign, the untouched model returned. Each check looks for one such fault.
"""

from __future__ import annotations

from collections.abc import Callable

from ser_unlearn.checks import conduct, form, outcome, repeats
from ser_unlearn.checks.subjects import CheckError, Subject

CHECKS: dict[str, Callable[[Subject], None]] = {
    function.__name__.removeprefix("check_"): function
    for function in (
        form.check_fields,
        form.check_documentation,
        form.check_imports,
        conduct.check_private_parts,
        conduct.check_outside_world,
        conduct.check_declared_data,
        conduct.check_declared_is_used,
        outcome.check_result,
        outcome.check_weights_change,
        outcome.check_whole_model,
        outcome.check_original_is_kept,
        conduct.check_teachers,
        conduct.check_frozen_teachers,
        conduct.check_divergences,
        conduct.check_divergence_direction,
        conduct.check_losses,
        conduct.check_wrong_labels,
        conduct.check_masks,
        conduct.check_last_step,
        outcome.check_direction,
        repeats.check_determinism,
        conduct.check_own_seed,
        repeats.check_fresh_process,
        outcome.check_model_is_left_usable,
        outcome.check_batch_of_one,
        outcome.check_one_utterance,
        outcome.check_whole_emotion,
        outcome.check_operations,
    )
}
"""Every check by its name."""


def verdict(subject: Subject, check: str) -> str:
    """Run one check: an empty string where it passes, else what is wrong.

    A check whose fault the method declares as `deliberate` passes where it finds that fault, and
    fails where it does not.
    """
    try:
        CHECKS[check](subject)
    except CheckError as error:
        return "" if check in subject.cls.deliberate else f"{error}"
    # A contributor's file may raise anything, and may try to end the process.
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    if check in subject.cls.deliberate:
        return "it declares as deliberate what it does not do"
    return ""
