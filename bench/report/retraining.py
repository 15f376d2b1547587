"""How far is one retrained model from another? What the choice of a seed does to the yardstick.

A method is measured by its gap to one retrained model. Models retrained with other seeds on the
same retain set have a gap to it, too, and a method that is no further away than they are is as
good as retraining, as far as the gap can say.
"""

from __future__ import annotations

from collections.abc import Iterable

from ser_unlearn.data.scenarios import kind_of
from ser_unlearn.evaluation.metrics import gap_to_retrain
from ser_unlearn.report.comparison import Cell
from ser_unlearn.report.outcomes import Outcome

COMPARED = ("forget", "retain", "test", "mia")
"""The accuracies that the gap is over."""


def gaps_of_retraining(row: Iterable[Outcome]) -> dict[Cell, list[float]]:
    """The gaps to each retrained model of those retrained with other seeds, in points.

    Args:
        row: of one row of a table. It is one of retraining if in every record that is
            done the outputs are the retrained model's.

    Returns:
        By the cell of the retrained model that is compared with. Nothing for other rows, for cells
        of one model seed alone, and for scenarios in which every original has its own forget set.
    """
    done = [outcome for outcome in row if outcome.status == "done"]
    if any(
        outcome.metrics.get("output_divergence") != 0
        or kind_of(outcome.cell.scenario).ranks_by_loss
        or any(f"{name}_accuracy" not in outcome.metrics for name in COMPARED)
        for outcome in done
    ):
        return {}
    behaviours = [(outcome.cell, _behaviour(outcome)) for outcome in done]
    found = {
        cell: [
            gap_to_retrain(another, behaviour)
            for other, another in behaviours
            if other.forget == cell.forget and other.model != cell.model
        ]
        for cell, behaviour in behaviours
    }
    return {cell: gaps for cell, gaps in found.items() if gaps}


def _behaviour(outcome: Outcome) -> dict[str, float]:
    """What the gap compares."""
    return {name: outcome.metrics[f"{name}_accuracy"] for name in COMPARED}
