"""`tune`: look for better parameters of methods."""

from __future__ import annotations

from pathlib import Path

import click

from ser_unlearn.cli import options
from ser_unlearn.cli.trusting import admit, trust_recipe
from ser_unlearn.tuning.criteria import CRITERIA, TIMEOUT_S


@click.command()
@click.argument("methods", metavar="[METHOD]...", nargs=-1)
@click.option(
    "--trials", type=click.IntRange(1), required=True, help="Of each method; the defaults are one."
)
@click.option("--corpus", "corpora", multiple=True, required=True, help="May be given repeatedly.")
@options.emotion_column
@options.speaker_column
@click.option(
    "--scenario", "scenarios", multiple=True, required=True, help="May be given repeatedly."
)
@click.option("--recipe", default="ecapa", show_default=True, help="A name, or a file.")
@trust_recipe
@click.option(
    "--criterion",
    type=click.Choice(list(CRITERIA)),
    default="distance",
    show_default=True,
    help="What to make small: see `list criteria`.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=TIMEOUT_S,
    show_default=True,
    help="What a method may take on one forget set.",
)
@options.data_dir
@options.results
@options.jobs
@options.device
def tune(
    methods: tuple[str, ...],
    trials: int,
    corpora: tuple[str, ...],
    emotion_column: str | None,
    speaker_column: str | None,
    scenarios: tuple[str, ...],
    recipe: str,
    trust_recipe: bool,
    criterion: str,
    timeout_s: float,
    data_dir: Path | None,
    results: Path,
    jobs: int | None,
    device: str,
) -> None:
    """Look for better parameters of METHODs, and write every trial to the results folder.

    Without a METHOD, all that have a search space are tuned, with the same number of trials each;
    a variant only if it is named. A trial is tried with every corpus and every scenario.
    """
    from rich.console import Console

    from ser_unlearn.data.brought import bring
    from ser_unlearn.runner.grid import Options
    from ser_unlearn.tuning.tune import Goal, tunable, tune

    admit([recipe], trust_recipe)
    if not methods:
        methods, without = tunable()
        click.echo(f"Nothing to tune in {', '.join(without)}.", err=True)
    names, brought = bring(dict.fromkeys(corpora), emotion_column, speaker_column)
    studies = tune(
        methods,
        Goal(
            names,
            recipe,
            list(dict.fromkeys(scenarios)),
            criterion,
            trials,
        ),
        Options(results, data_dir, jobs, device, timeout_s, brought=brought),
        Console(stderr=True),
    )
    for study in studies:
        click.echo(study.summary())
        click.echo(f"  written to {results / study.path}")
