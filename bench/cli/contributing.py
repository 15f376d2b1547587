"""`new-method` and `submit-check`: what others bring."""

from __future__ import annotations

from pathlib import Path

import click

from ser_unlearn.cli import options


@click.command(name="new-method")
@click.argument("name")
def new_method(name: str) -> None:
    """Write a method's file, NAME.py, that passes check-method, to begin with."""
    from ser_unlearn.unlearning.scaffold import new_method as write

    path = write(name, Path())
    click.echo(
        f"Wrote {path}. Change it, then:\n"
        f"  ser-unlearn check-method {path}\n"
        f"  ser-unlearn run --method {path}"
    )


@click.command(name="submit-check")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@options.results
def submit_check(folder: str, results: Path) -> None:
    """Check the records in DIR, which somebody else made, against what is here.

    Exits with 1 if any of them cannot be taken into the results folder.
    """
    from ser_unlearn.runner.submissions import faults

    count, found = faults(Path(folder), results)
    for line in found:
        click.echo(line)
    if found:
        click.echo(f"{len(found)} faults in {count} records.")
        raise click.exceptions.Exit(1)
    click.echo(f"All {count} records can be taken: ser-unlearn merge {folder}")
