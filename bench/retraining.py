"""How far is one retrained model from another? What the choice of a seed does to the yardstick.

A method is measured by its gap to one retrained model. Models retrained with other seeds on the
same retain set have a gap to it, too, and a method that is no further away than they are is as
good as retraining, as far as the gap can say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bench.comparison import Cell
from bench.metrics import gap_to_retrain
from bench.records import Record
from bench.scenarios import kind_of


def cell_of(record: Record) -> Cell:
    """What another method's record has to share to be compared with this one."""
    seeds = record.seeds
    return Cell(
        record.corpus, record.recipe, record.scenario, seeds.model, seeds.forget, seeds.method
    )


def gaps_of_retraining(records: Iterable[Record]) -> dict[Cell, list[float]]:
    """The gaps to each retrained model of those retrained with other seeds, in points.

    Args:
        records: of all methods. Those of retraining are a row in which the outputs are the
            retrained model's in every record that is done.

    Returns:
        By the cell of the retrained model that is compared with. Nothing for cells of one model
        seed alone, and of scenarios in which every original has its own forget set.
    """
    rows: dict[tuple[str, str, str, str], list[Record]] = defaultdict(list)
    for record in (each for each in records if each.status == "done"):
        rows[record.corpus, record.recipe, record.scenario, record.label].append(record)
    found: dict[Cell, list[float]] = {}
    for row in rows.values():
        if all(record.metrics.get("output_divergence") == 0 for record in row) and not (
            kind_of(row[0].scenario).ranks_by_loss
        ):
            for record in row:
                gaps = [
                    gap_to_retrain(_behaviour(other), _behaviour(record))
                    for other in row
                    if other.seeds.forget == record.seeds.forget
                    and other.seeds.model != record.seeds.model
                ]
                if gaps:
                    found[cell_of(record)] = gaps
    return found


def _behaviour(record: Record) -> dict[str, float]:
    """What the gap compares, of a record that is done."""
    names = {name: f"{name}_accuracy" for name in ("forget", "retain", "test", "mia")}
    values = {name: record.metrics[metric] for name, metric in names.items()}
    return {name: value for name, value in values.items() if value is not None}
