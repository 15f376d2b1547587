"""`table` and `leaderboard`: what the records say."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from ser_unlearn.cli import options
from ser_unlearn.cli.selection import select
from ser_unlearn.report.tables import Format


@click.command()
@click.option("--format", "style", type=click.Choice(get_args(Format)), default="terminal")
@options.corpora
@options.recipes
@options.scenarios
@options.methods
@options.wide
@options.results
def table(
    style: Format,
    corpora: tuple[str, ...],
    recipes: tuple[str, ...],
    scenarios: tuple[str, ...],
    methods: tuple[str, ...],
    wide: bool,
    results: Path,
) -> None:
    """Print the table of the records that there are."""
    from ser_unlearn.report.tables import render
    from ser_unlearn.results.records import read_records

    chosen = select(read_records(results), results, corpora, recipes, scenarios, methods)
    click.echo(render(chosen, style, options.width(wide)))


@click.command()
@options.results
@options.page("leaderboard.md")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if page or drawing change.")
def leaderboard(results: Path, page: Path, check: bool) -> None:
    """Make the leaderboard from the records."""
    from ser_unlearn.report.leaderboard import is_current, write_leaderboard
    from ser_unlearn.results.folders import check_folder

    if not check:
        check_folder(page.parent, "--page")
        check_folder(results, "--results")
        write_leaderboard(results, page)
        click.echo(f"Wrote {page}.")
    elif not is_current(results, page):
        click.echo(f"{page} is not what {results} makes. Run: ser-unlearn leaderboard", err=True)
        raise click.exceptions.Exit(1)
