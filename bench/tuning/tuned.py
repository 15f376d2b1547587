"""Tuned rows: what studies found, as rows of the tables of what they were made on."""

from __future__ import annotations

import dataclasses
import glob
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ser_unlearn.data.cards import Card, load_card
from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.recipe import Recipe, load_recipe
from ser_unlearn.results.records import TUNING, Tuned
from ser_unlearn.runner.grid import Cell, cells, rows
from ser_unlearn.runner.suite import Suite
from ser_unlearn.tuning.space import Value
from ser_unlearn.tuning.studies import Study, read_study
from ser_unlearn.unlearning.registry import Row, info_of

CardOf = Callable[[str], Card]
"""The name of a corpus to its card."""


def tuned_tables(
    results: Path, suite: Suite, criteria: Sequence[str], card_of: CardOf = load_card
) -> dict[Cell, list[Row]]:
    """The tuned rows of each table of a suite: one for each row and study that found better.

    Args:
        results: the results folder.
        suite: the grid.
        criteria: by which the studies were made.
        card_of: gives the card of a corpus.

    Raises:
        UserError: if no row has such a study, or as `tuned_rows` does.
    """
    found = {
        cell: tuned_rows(results, cell, rows(suite, {}), criteria, card_of) for cell in cells(suite)
    }
    if not any(found.values()):
        raise UserError(
            f"--tuned {' '.join(criteria)}: no row of this run has such a study in {results} that "
            "found better than its defaults. Tune one first: ser-unlearn tune."
        )
    return found


def tuned_rows(
    results: Path,
    table: Cell,
    rows: Sequence[Row],
    criteria: Sequence[str],
    card_of: CardOf = load_card,
) -> list[Row]:
    """The rows with what tuning on a table, and perhaps on others beside it, found for them.

    Of several studies of a row by one criterion, that which is on the fewest tables counts. A row
    whose defaults are the best that was found has none beside it.

    Args:
        results: the results folder.
        table: corpus, recipe (its name, or the path of its file) and scenario.
        rows: with their defaults.
        criteria: by which the studies were made.
        card_of: gives the card of a corpus.

    Raises:
        UserError: if a study is damaged, or what was tuned has changed since.
    """
    found = []
    recipe = load_recipe(table[1])
    for row in (row.under(recipe.layout.family) for row in rows):
        for criterion in criteria:
            study = _study_on(results, (table[0], recipe.name, table[2]), row.label, criterion)
            if study is None:
                continue
            _check_parameters(study, row)
            _check_current(study, row, recipe, card_of)
            # Where every trial failed there is nothing to run.
            if study.best_parameters not in (None, row.parameters):
                label = f"{row.label}[tuned-{criterion},T={study.n_trials}]"
                tuned = Tuned(criterion=criterion, trials=study.n_trials)
                parameters = study.best_parameters
                found.append(
                    dataclasses.replace(
                        row, label=label, parameters=parameters, tuned=tuned, presets={}
                    )
                )
    return found


def _study_on(results: Path, table: Cell, label: str, criterion: str) -> Study | None:
    corpus, recipe, scenario = table
    name = glob.escape(f"{label}-{criterion}.json")
    studies = [
        read_study(results, path)
        for path in sorted(results.glob(f"{TUNING}/*/{glob.escape(recipe)}/*/{name}"))
    ]
    about = [each for each in studies if corpus in each.corpora and scenario in each.scenarios]
    return min(about, key=lambda each: len(each.corpora) * len(each.scenarios), default=None)


def _check_parameters(study: Study, row: Row) -> None:
    """Refuse a study whose parameters are not those of the method."""
    found = study.trials[0].parameters if study.best_parameters is None else study.best_parameters
    if _kinds(found) != _kinds(row.parameters):
        raise UserError(
            f"The best parameters in the study {study.path} are not those of '{row.method}'. "
            f"Delete it and tune again: ser-unlearn tune {study.label}."
        )


def _kinds(parameters: Mapping[str, Value]) -> dict[str, type]:
    """The types of parameters; a whole number is as good as a float."""
    return {
        field: float if type(value) is int else type(value) for field, value in parameters.items()
    }


def _check_current(study: Study, row: Row, recipe: Recipe, card_of: CardOf) -> None:
    """Refuse a study of what has changed since."""
    first = study.trials[0].parameters
    held = [field for field in row.parameters if field not in study.search_space]
    stale = {
        "corpora's cards": study.cards != [card_of(each).digest for each in study.corpora],
        "recipe": study.recipe_digest != recipe.digest,
        "method's code": study.code != info_of(row).code,
        "method's other defaults": any(first.get(each) != row.parameters[each] for each in held),
    }
    changed = [name for name, is_stale in stale.items() if is_stale]
    if changed:
        words = [f"--corpus {each}" for each in study.corpora]
        words += [f"--scenario {each}" for each in study.scenarios]
        raise UserError(
            f"The {' and the '.join(changed)} changed since the study {study.path}. Tune again: "
            f"ser-unlearn tune {study.label} --trials {study.n_trials} {' '.join(words)} "
            f"--recipe {study.recipe} --criterion {study.criterion}"
        )
