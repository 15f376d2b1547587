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
from ser_unlearn.results.records import Record

COMPARED = ("forget", "retain", "test", "mia")
"""The accuracies that the gap is over."""


def cell_of(record: Record) -> Cell:
    """What another method's record has to share to be compared with this one."""
    seeds = record.seeds
    return Cell(
        record.corpus, record.recipe, record.scenario, seeds.model, seeds.forget, seeds.method
    )


def gaps_of_retraining(row: Iterable[Record]) -> dict[Cell, list[float]]:
    """The gaps to each retrained model of those retrained with other seeds, in points.

    Args:
        row: the records of one row of a table. It is one of retraining if in every record that is
            done the outputs are the retrained model's.

    Returns:
        By the cell of the retrained model that is compared with. Nothing for other rows, for cells
        of one model seed alone, and for scenarios in which every original has its own forget set.
    """
    done = [record for record in row if record.status == "done"]
    if any(
        record.metrics.get("output_divergence") != 0
        or kind_of(record.scenario).ranks_by_loss
        or len(_behaviour(record)) < len(COMPARED)
        for record in done
    ):
        return {}
    found = {
        cell_of(record): [
            gap_to_retrain(_behaviour(other), _behaviour(record))
            for other in done
            if other.seeds.forget == record.seeds.forget and other.seeds.model != record.seeds.model
        ]
        for record in done
    }
    return {cell: gaps for cell, gaps in found.items() if gaps}


def _behaviour(record: Record) -> dict[str, float]:
    """What the gap compares, of a record that is done."""
    values = {name: record.metrics.get(f"{name}_accuracy") for name in COMPARED}
    return {name: value for name, value in values.items() if value is not None}
