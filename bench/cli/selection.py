"""Which records the options of a command name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ser_unlearn.cli.trusting import names_of
from ser_unlearn.errors import UserError

if TYPE_CHECKING:
    from ser_unlearn.results.records import Record


def select(
    records: Iterable[Record],
    results: Path,
    corpora: tuple[str, ...],
    recipes: tuple[str, ...],
    scenarios: tuple[str, ...],
    methods: tuple[str, ...],
) -> list[Record]:
    """The records that the options name; an option that is left out names all.

    Raises:
        UserError: if there is none.
    """
    from ser_unlearn.data.scenarios import requests

    recipes = names_of(recipes)
    scenarios = tuple(each for scenario in scenarios for each in requests(scenario))
    chosen = [
        record
        for record in records
        if (not corpora or record.corpus in corpora)
        and (not recipes or record.recipe in recipes or record.recogniser in recipes)
        and (not scenarios or record.scenario in scenarios)
        and (not methods or record.label in methods)
    ]
    if not chosen:
        raise UserError(
            f"No record in {results} is asked for. Run something first: ser-unlearn run."
        )
    return chosen
