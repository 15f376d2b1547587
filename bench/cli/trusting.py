"""Recipes from outside of the project: code that is run only if the user says so."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.recipe import is_path, load_recipe, recipe_names
from ser_unlearn.results.names import shown

trust_recipe = click.option(
    "--trust-recipe", is_flag=True, help="Run the code of recipe files without asking."
)


def admit(recipes: Iterable[str], trusted: bool) -> None:
    """Ask whether to run the recipes that are files, and name what of them is not honoured.

    Args:
        recipes: names of the project's recipes, and paths.
        trusted: whether not to ask.

    Raises:
        UserError: if there is nobody to ask, or the answer is no.
    """
    for path in dict.fromkeys(filter(is_path, recipes)):
        recipe = load_recipe(path)
        named = shown(path, 200)
        if not (trusted or _agreed(named)):
            raise UserError(
                f"The recipe {named} is code, which would run with your rights. Read it, and then "
                "say --trust-recipe."
            )
        if recipe.unheard:
            click.echo(
                f"The recipe {named} is called '{recipe.name}' here. Not honoured of it: "
                f"{', '.join(map(shown, recipe.unheard))}; docs/recipes.md says what is.",
                err=True,
            )


def _agreed(path: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return click.confirm(
        f"The recipe {path} is code, and runs with your rights. Run it?", default=False, err=True
    )


def names_of(recipes: Iterable[str]) -> tuple[str, ...]:
    """What records call recipes that are given by name or path."""
    return tuple(load_recipe(each).name if is_path(each) else each for each in recipes)


def places_of(recipes: Iterable[str]) -> dict[str, str]:
    """Where the project's recipes and those that are given by path are, by the records' name."""
    given = {load_recipe(path).name: path for path in recipes if is_path(path)}
    return {**{name: name for name in recipe_names()}, **given}
