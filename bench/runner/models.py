"""The models of suites: what may be carried to another machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.setup import MODELS
from ser_unlearn.runner.grid import Options, cells, grid, models, request_of, rows
from ser_unlearn.runner.run import check
from ser_unlearn.runner.suite import load_suite
from ser_unlearn.runner.trainings import awaited


def models_of(suite: str, options: Options) -> list[tuple[str, Mapping[str, Any]]]:
    """The store's kind and identity of every model that a suite needs.

    Args:
        suite: its name.
        options: where the recordings are, and on which device the models were trained.

    Raises:
        UserError: if the suite cannot run here, or the store lacks one of its models.
    """
    chosen = load_suite(suite)
    check(cells(chosen), options)
    # All rows need the same models.
    unlearnings = list(grid(chosen, rows(chosen, {})[:1], options, {}))
    # Without these, forget sets that are drawn by the original's losses are not known.
    missing = [job.title for job in awaited(map(request_of, unlearnings))]
    if not missing:
        wanted = models(unlearnings)
        missing = [job.title for job in wanted if not job.is_done()]
    if missing:
        raise UserError(
            f"The store lacks {len(missing)} models of the suite '{suite}', the first: "
            f"{missing[0]}. Run it first: ser-unlearn run {suite}."
        )
    return [(MODELS, job.identity()) for job in wanted]
