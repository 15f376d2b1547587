"""`run` and `evaluate`: make records, and their metrics anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ser_unlearn.cli import options
from ser_unlearn.cli.selection import select
from ser_unlearn.cli.trusting import admit, places_of, trust_recipe
from ser_unlearn.errors import UserError
from ser_unlearn.evaluation.prices import Price
from ser_unlearn.runner.suite import changed, load_suite
from ser_unlearn.tuning.criteria import CRITERIA


@click.command()
@click.argument("suite", default="default")
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    help="Instead of the suite's corpora: a name, a card's path, or a folder.",
)
@options.emotion_column
@options.speaker_column
@click.option(
    "--recipe", "recipes", multiple=True, help="Instead of the suite's recipes: a name or a file."
)
@trust_recipe
@click.option("--scenario", "scenarios", multiple=True, help="Instead of the suite's scenarios.")
@click.option("--method", "methods", multiple=True, help="Instead of the suite's methods.")
@click.option(
    "--runs", type=click.IntRange(1), help="How many originals, each with a forget set of its own."
)
@click.option(
    "--method-seeds", type=click.IntRange(1), help="How often methods answer each request."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="METHOD.FIELD=VALUE",
    help="A method's parameter; the row is named after it.",
)
@click.option(
    "--tuned",
    multiple=True,
    type=click.Choice(list(CRITERIA)),
    help="Also run what tuning by this criterion found, as rows of their own.",
)
@options.attacks
@options.durability
@options.references
@options.data_dir
@options.results
@options.jobs
@options.engine
@options.scheduler
@options.timeout
@options.max_memory
@options.device
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="A trained model of the recipe: the original of all runs, instead of one trained here.",
)
def run(
    suite: str,
    corpora: tuple[str, ...],
    emotion_column: str | None,
    speaker_column: str | None,
    recipes: tuple[str, ...],
    trust_recipe: bool,
    scenarios: tuple[str, ...],
    methods: tuple[str, ...],
    runs: int | None,
    method_seeds: int | None,
    settings: tuple[str, ...],
    attacks: Price | None,
    durability: bool,
    references: int | None,
    tuned: tuple[str, ...],
    data_dir: Path | None,
    results: Path,
    jobs: int | None,
    engine: str,
    scheduler: str | None,
    timeout_s: float | None,
    max_memory_mb: float | None,
    device: str,
    checkpoint: Path | None,
) -> None:
    """Run SUITE, or what of it the results folder lacks, and print its table.

    Every option that names a part of the grid replaces that part of the suite.
    """
    from ser_unlearn.data.brought import bring

    names, brought = bring(corpora, emotion_column, speaker_column)
    changes: dict[str, Any] = {
        "corpora": names,
        "recipes": list(recipes),
        "scenarios": list(scenarios),
        "methods": list(methods),
        "runs": runs,
        "method_seeds": method_seeds,
        "attacks": attacks,
        "durability": durability,
        "references": references,
    }
    chosen = changed(load_suite(suite), changes)
    admit(chosen.recipes, trust_recipe)
    overrides = options.parameters(settings)
    if tuned and overrides:
        raise UserError("--set and --tuned: parameters are either given or tuned. Leave one out.")

    from rich.console import Console

    from ser_unlearn.report.tables import render
    from ser_unlearn.runner import run as runner
    from ser_unlearn.runner.engines import engine_named
    from ser_unlearn.runner.grid import Options, adopt_for
    from ser_unlearn.tuning.tuned import tuned_tables

    further = {}
    with engine_named(engine, scheduler, jobs) as found:
        here = Options(
            *(results, data_dir, jobs, device, timeout_s, max_memory_mb, found), brought=brought
        )
        if checkpoint is not None:
            here = replace(here, checkpoint=adopt_for(chosen, checkpoint, here.card))
        if tuned:
            further = tuned_tables(results, chosen, tuned, here.card)
        records = runner.run(chosen, overrides, here, Console(stderr=True), further=further)
    click.echo(render(records, "terminal", options.width(wide=False)))


@click.command()
@options.corpora
@options.emotion_column
@options.speaker_column
@options.recipes
@trust_recipe
@options.scenarios
@options.methods
@options.attacks
@options.durability
@options.references
@options.data_dir
@options.results
@options.jobs
@options.engine
@options.scheduler
def evaluate(
    corpora: tuple[str, ...],
    emotion_column: str | None,
    speaker_column: str | None,
    recipes: tuple[str, ...],
    trust_recipe: bool,
    scenarios: tuple[str, ...],
    methods: tuple[str, ...],
    attacks: Price | None,
    durability: bool,
    references: int | None,
    data_dir: Path | None,
    results: Path,
    jobs: int | None,
    engine: str,
    scheduler: str | None,
) -> None:
    """Compute what the records lack of metrics, without running a method again.

    A metric is computed if the record lacks it, if it changed since, or if an option asks for it.
    The store keeps what every unlearned model says. A record of which it does not is left as it
    is, and named. The dearest attacks do run methods, on the shadow models that are new to them.
    """
    from rich.console import Console

    from ser_unlearn.data.brought import bring
    from ser_unlearn.report.tables import render
    from ser_unlearn.results.records import read_records
    from ser_unlearn.runner import run as runner
    from ser_unlearn.runner.engines import engine_named
    from ser_unlearn.runner.grid import Options

    admit(recipes, trust_recipe)
    names, brought = bring(corpora, emotion_column, speaker_column)
    chosen = select(read_records(results), results, tuple(names), recipes, scenarios, methods)
    with engine_named(engine, scheduler, jobs) as found:
        here = Options(results, data_dir, jobs, engine=found, brought=brought)
        done, lacking = runner.evaluate(
            chosen,
            attacks,
            durability,
            references,
            here,
            Console(stderr=True),
            places_of(recipes),
        )
    if done:
        click.echo(render(done, "terminal", options.width(wide=False)))
    if lacking:
        click.echo(
            f"Left as they are, for the store lacks their outputs: {len(lacking)} of "
            f"{len(chosen)} records, the first {lacking[0].path}. Run them again: ser-unlearn run.",
            err=True,
        )
