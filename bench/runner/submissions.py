"""Records that somebody else made: what of them can be checked without running anything."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from ser_unlearn.data.cards import card_names, load_card
from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.recipe import load_recipe, recipe_names
from ser_unlearn.results.merging import differences
from ser_unlearn.results.names import shown
from ser_unlearn.results.records import TUNING, Record, read_record
from ser_unlearn.results.revisions import REVISIONS
from ser_unlearn.runner.suite import FIRST_TUNING_SEED
from ser_unlearn.unlearning.registry import MethodInfo, list_methods

SHARES = {
    "forget_accuracy": "forget",
    "retain_accuracy": "retain",
    "heldout_accuracy": "heldout",
    "test_accuracy": "test",
}
"""Metrics that are shares of a set's utterances, and the set."""

ROUNDING = 1e-4
"""Of a count of utterances that was a share; a set has at most some thousands."""


def faults(folder: Path, results: Path) -> tuple[int, list[str]]:
    """What is wrong with the records of a folder.

    Args:
        folder: a results folder.
        results: the one that is to take them.

    Returns:
        How many records there are, and a line for every fault.

    Raises:
        UserError: if there is none, or a record in `results` is damaged.
    """
    methods = list_methods()
    lines = []
    count = 0
    for path in sorted(folder.glob("*/*/*/*/*.json")):
        if path.relative_to(folder).parts[0] == TUNING:
            continue
        count += 1
        try:
            record = read_record(folder, path)
        except UserError as error:
            lines.append(str(error))
            continue
        found = [*_of_inputs(record, methods), *_of_numbers(record), *_of_others(record, results)]
        lines += [f"{path}: {shown(fault, 300)}" for fault in found]
    if not count:
        raise UserError(
            f"There is no record in {folder}. "
            "Name a results folder: <corpus>/<recipe>/<scenario>/<method>/<seeds>.json lie in it."
        )
    return count, lines


def _of_inputs(record: Record, methods: dict[str, MethodInfo]) -> Iterator[str]:
    """What it was made from that is not what is here."""
    if record.corpus not in card_names():
        yield f"there is no card '{record.corpus}' here; send it along"
    elif record.card != load_card(record.corpus).digest:
        yield f"it was made with another card of '{record.corpus}'"
    if record.recipe not in recipe_names():
        yield f"there is no recipe '{record.recipe}' here; send it along"
    elif record.recipe_digest != load_recipe(record.recipe).digest:
        yield f"it was made with another recipe '{record.recipe}'"
    info = methods.get(record.method)
    if info is None:
        yield f"there is no method '{record.method}' here; send its file along"
    else:
        if sorted(info.needs) != record.needs:
            yield f"the method needs {', '.join(sorted(info.needs))} here"
        known = set(info.parameters[""]) if info.parameters else set(record.parameters)
        if known != set(record.parameters):
            yield "its parameters are not the fields of the method here"
    if max(record.seeds.model, record.seeds.forget) >= FIRST_TUNING_SEED:
        yield f"its seeds are those of tuning, {FIRST_TUNING_SEED} and above"
    if not record.provenance.clean:
        yield "the code that made it is no commit (`clean` is not true)"


def _of_numbers(record: Record) -> Iterator[str]:
    """What its numbers say of each other that cannot be."""
    for family, number in record.revisions.items():
        if family not in REVISIONS or REVISIONS[family].number != number:
            yield f"{family} is of revision {number}; make it anew: ser-unlearn evaluate"
    metrics = record.metrics
    for name, of in SHARES.items():
        value, size = metrics.get(name), record.sizes[of]
        if value is not None and abs(value * size - round(value * size)) > ROUNDING:
            yield f"{name} {value:g} is no share of {size} utterances"
    forgotten, right = metrics.get("forgetting_rate"), metrics.get("forget_accuracy")
    if forgotten is not None and right is not None and not math.isclose(forgotten, 1 - right):
        yield f"forgetting_rate {forgotten:g} is not 1 - forget_accuracy"
    told = metrics.get("told_from_retrained")
    if told is not None and bool(told) != any(each.told for each in record.attacks.values()):
        yield "told_from_retrained is not what its attacks say"
    if any(len(each.references) != record.references for each in record.attacks.values()):
        yield f"its attacks are not compared with {record.references} references"


def _of_others(record: Record, results: Path) -> Iterator[str]:
    """What it contradicts that is here already."""
    own = results / record.path
    if own.exists():
        found = differences(read_record(results, own), record)
        if found:
            yield f"it contradicts {own}: {', '.join(found)}"
