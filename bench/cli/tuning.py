"""`tune`: look for better parameters of a method."""

from __future__ import annotations

from pathlib import Path

import click

from ser_unlearn.cli import options
from ser_unlearn.tuning.criteria import CRITERIA


@click.command()
@click.argument("method")
@click.option("--trials", type=click.IntRange(1), required=True, help="The defaults among them.")
@click.option("--corpus", required=True)
@click.option("--scenario", required=True)
@click.option("--recipe", default="ecapa", show_default=True)
@click.option(
    "--criterion",
    type=click.Choice(list(CRITERIA)),
    default="oracle",
    show_default=True,
    help="What to make small; the oracle knows the retrained model.",
)
@options.data_dir
@options.results
@options.jobs
@options.device
def tune(
    method: str,
    trials: int,
    corpus: str,
    scenario: str,
    recipe: str,
    criterion: str,
    data_dir: Path | None,
    results: Path,
    jobs: int | None,
    device: str,
) -> None:
    """Look for better parameters of METHOD, and write every trial to the results folder."""
    from rich.console import Console

    from ser_unlearn.runner.grid import Options
    from ser_unlearn.tuning import tune as tuning

    study = tuning.tune(
        method,
        corpus,
        recipe,
        scenario,
        criterion=criterion,
        n_trials=trials,
        options=Options(results, data_dir, jobs, device),
        console=Console(stderr=True),
    )
    click.echo(study.summary())
    click.echo(f"Wrote {results / study.path}.")
