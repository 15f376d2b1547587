"""`list`: what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ser_unlearn.errors import UserError
from ser_unlearn.runner.suite import load_suite, suite_names
from ser_unlearn.tuning.criteria import CRITERIA

if TYPE_CHECKING:
    from ser_unlearn.data.cards import Card

KINDS = ("methods", "corpora", "recipes", "scenarios", "metrics", "criteria", "suites")


@click.command(name="list")
@click.argument("kind", type=click.Choice(KINDS))
def list_command(kind: str) -> None:
    """List what there is."""
    from tabulate import tabulate

    headers, rows = _listing(kind)
    click.echo(tabulate(rows, headers, tablefmt="simple", disable_numparse=True))


def _cards() -> list[Card]:
    """All cards that are valid; what is wrong with the others is told beside them."""
    from ser_unlearn.data.cards import card_names, load_card

    cards = []
    for name in card_names():
        try:
            cards.append(load_card(name))
        except UserError as error:
            click.echo(f"Left out: {error}", err=True)
    return cards


def _listing(kind: str) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of what `list` prints."""
    if kind == "methods":
        from ser_unlearn.unlearning.registry import list_methods

        return ["method", "needs", "summary", "reference"], [
            [row, ", ".join(sorted(info.needs)) or "nothing", info.summary, info.reference]
            for info in list_methods().values()
            for row in info.rows
        ]
    if kind == "corpora":
        cards = _cards()
        return ["corpus", "utterances", "speakers", "emotions", "language", "licence"], [
            [
                card.name,
                str(card.utterances or "–"),
                str(card.speakers or "–"),
                str(len(card.emotions)),
                card.language,
                card.licence,
            ]
            for card in cards
        ]
    if kind == "recipes":
        from ser_unlearn.recogniser.recipe import load_recipe, recipe_names

        return ["recipe", "what it is"], [
            [name, load_recipe(name).text.splitlines()[0].lstrip("# ")] for name in recipe_names()
        ]
    if kind == "scenarios":
        from ser_unlearn.data.scenarios import SCENARIOS

        return ["scenario", "forget set"], [
            [found.form, found.meaning] for found in SCENARIOS.values()
        ]
    if kind == "metrics":
        from ser_unlearn.results.meanings import METRICS

        return ["metric", "better", "meaning"], [
            [name, metric.better, metric.meaning] for name, metric in METRICS.items()
        ]
    if kind == "criteria":
        return ["criterion", "what tuning makes small"], [
            [name, criterion.meaning] for name, criterion in CRITERIA.items()
        ]
    return ["suite", "what it is"], [[name, load_suite(name).description] for name in suite_names()]
