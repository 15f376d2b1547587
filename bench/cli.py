"""The command line. Whatever is heavy is imported by the command that needs it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, get_args

import click

from bench.criteria import CRITERIA
from bench.errors import UserError, unknown_name
from bench.prices import PRICES, Price
from bench.suite import Suite, load_suite, suite_names
from bench.tables import Format

if TYPE_CHECKING:
    from bench.records import Record

KINDS = ("methods", "corpora", "recipes", "scenarios", "metrics", "criteria", "suites")

_device = click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True
)
_results = click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder of the records.",
)
_data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the recordings, or with one folder a corpus.",
)
_jobs = click.option(
    "--jobs", type=click.IntRange(1), help="Workers side by side; one a core if left out."
)
_attacks = click.option(
    "--attacks",
    type=click.Choice(list(PRICES)),
    help="The dearest membership attacks to run.",
)
_durability = click.option(
    "--durability",
    is_flag=True,
    help="See what is left of forgetting once a model is compressed, or trained on.",
)
_corpora = click.option("--corpus", "corpora", multiple=True, help="Only these corpora.")
_recipes = click.option("--recipe", "recipes", multiple=True, help="Only these recipes.")
_scenarios = click.option("--scenario", "scenarios", multiple=True, help="Only these scenarios.")
_methods = click.option("--method", "methods", multiple=True, help="Only these rows.")


class _Group(click.Group):
    """Turns what the user can mend into a message and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise _Refusal(str(error)) from error


class _Refusal(click.ClickException):
    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Error: {self.format_message()}", err=True)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ser-unlearn")
def main() -> None:
    """Compare methods that make a speech emotion recogniser forget recordings."""


@main.command()
@click.argument("suite", default="default")
@click.option("--corpus", "corpora", multiple=True, help="Instead of the suite's corpora.")
@click.option("--recipe", "recipes", multiple=True, help="Instead of the suite's recipes.")
@click.option("--scenario", "scenarios", multiple=True, help="Instead of the suite's scenarios.")
@click.option("--method", "methods", multiple=True, help="Instead of the suite's methods.")
@click.option("--model-seeds", type=click.IntRange(1), help="How many original models.")
@click.option("--forget-seeds", type=click.IntRange(1), help="How many forget sets of each.")
@click.option(
    "--method-seeds", type=click.IntRange(1), help="How often methods run on each forget set."
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
@_attacks
@_durability
@_data_dir
@_results
@_jobs
@_device
def run(
    suite: str,
    corpora: tuple[str, ...],
    recipes: tuple[str, ...],
    scenarios: tuple[str, ...],
    methods: tuple[str, ...],
    model_seeds: int | None,
    forget_seeds: int | None,
    method_seeds: int | None,
    settings: tuple[str, ...],
    attacks: Price | None,
    durability: bool,
    tuned: tuple[str, ...],
    data_dir: Path | None,
    results: Path,
    jobs: int | None,
    device: str,
) -> None:
    """Run SUITE, or what of it the results folder lacks, and print its table.

    Every option that names a part of the grid replaces that part of the suite.
    """
    changes: dict[str, Any] = {
        "corpora": list(corpora),
        "recipes": list(recipes),
        "scenarios": list(scenarios),
        "methods": list(methods),
        "model_seeds": model_seeds,
        "forget_seeds": forget_seeds,
        "method_seeds": method_seeds,
        "attacks": attacks,
        "durability": durability,
    }
    chosen: Suite = load_suite(suite).model_copy(
        update={field: value for field, value in changes.items() if value}
    )
    overrides = _overrides(settings)

    from rich.console import Console

    from bench import run as runner
    from bench.tables import render

    options = runner.Options(results, data_dir, jobs, device)
    records = runner.run(chosen, overrides, options, Console(stderr=True), tuned=tuned)
    click.echo(render(records, "terminal"))


@main.command()
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
@_data_dir
@_results
@_jobs
@_device
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

    from bench import tune as tuning
    from bench.run import Options

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


def _overrides(settings: tuple[str, ...]) -> dict[str, dict[str, str]]:
    overrides: dict[str, dict[str, str]] = {}
    for setting in settings:
        target, equals, value = setting.partition("=")
        method, dot, field = target.partition(".")
        if not (equals and dot and method and field):
            raise UserError(f"--set {setting}: write it as METHOD.FIELD=VALUE.")
        overrides.setdefault(method, {})[field] = value
    return overrides


@main.command()
@click.option("--format", "style", type=click.Choice(get_args(Format)), default="terminal")
@_corpora
@_recipes
@_scenarios
@_methods
@_results
def table(
    style: Format,
    corpora: tuple[str, ...],
    recipes: tuple[str, ...],
    scenarios: tuple[str, ...],
    methods: tuple[str, ...],
    results: Path,
) -> None:
    """Print the table of the records that there are."""
    from bench.records import read_records
    from bench.tables import render

    chosen = _select(read_records(results), results, corpora, recipes, scenarios, methods)
    click.echo(render(chosen, style))


def _select(
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
    from bench.scenarios import requests

    scenarios = tuple(each for scenario in scenarios for each in requests(scenario))
    chosen = [
        record
        for record in records
        if (not corpora or record.corpus in corpora)
        and (not recipes or record.recipe in recipes)
        and (not scenarios or record.scenario in scenarios)
        and (not methods or record.label in methods)
    ]
    if not chosen:
        raise UserError(
            f"No record in {results} is asked for. Run something first: ser-unlearn run."
        )
    return chosen


@main.command()
@_corpora
@_recipes
@_scenarios
@_methods
@_attacks
@_durability
@_data_dir
@_results
@_jobs
def evaluate(
    corpora: tuple[str, ...],
    recipes: tuple[str, ...],
    scenarios: tuple[str, ...],
    methods: tuple[str, ...],
    attacks: Price | None,
    durability: bool,
    data_dir: Path | None,
    results: Path,
    jobs: int | None,
) -> None:
    """Compute the metrics of the records anew, without running a method again.

    The store keeps what every unlearned model says. A record of which it does not is left as it
    is, and named. The dearest attacks do run methods, on the shadow models that are new to them.
    """
    from rich.console import Console

    from bench import run as runner
    from bench.records import read_records
    from bench.tables import render

    chosen = _select(read_records(results), results, corpora, recipes, scenarios, methods)
    options = runner.Options(results, data_dir, jobs)
    done, lacking = runner.evaluate(chosen, attacks, durability, options, Console(stderr=True))
    if done:
        click.echo(render(done, "terminal"))
    if lacking:
        click.echo(
            f"Left as they are, for the store lacks their outputs: {len(lacking)} of "
            f"{len(chosen)} records, the first {lacking[0].path}. Run them again: ser-unlearn run.",
            err=True,
        )


@main.command()
@_results
@click.option(
    "--page",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("leaderboard.md"),
    show_default=True,
    help="The file to write.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the page would change.")
def leaderboard(results: Path, page: Path, check: bool) -> None:
    """Make the leaderboard from the records."""
    from bench.leaderboard import is_current, write_leaderboard

    if not check:
        write_leaderboard(results, page)
        click.echo(f"Wrote {page}.")
    elif not is_current(results, page):
        click.echo(f"{page} is not what {results} makes. Run: ser-unlearn leaderboard", err=True)
        raise click.exceptions.Exit(1)


@main.command(name="list")
@click.argument("kind", type=click.Choice(KINDS))
def list_command(kind: str) -> None:
    """List what there is."""
    from tabulate import tabulate

    headers, rows = _listing(kind)
    click.echo(tabulate(rows, headers, tablefmt="simple", disable_numparse=True))


def _listing(kind: str) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of what `list` prints."""
    if kind == "methods":
        from bench.registry import list_methods

        return ["method", "needs", "summary", "reference"], [
            [row, ", ".join(sorted(info.needs)) or "nothing", info.summary, info.reference]
            for info in list_methods().values()
            for row in info.rows
        ]
    if kind == "corpora":
        from bench.corpus import card_names, load_card

        cards = [load_card(name) for name in card_names()]
        return ["corpus", "utterances", "speakers", "emotions", "language", "licence"], [
            [
                card.name,
                str(card.utterances),
                str(card.speakers),
                str(len(card.emotions)),
                card.language,
                card.licence,
            ]
            for card in cards
        ]
    if kind == "recipes":
        from bench.recipe import load_recipe, recipe_names

        return ["recipe", "what it is"], [
            [name, load_recipe(name).text.splitlines()[0].lstrip("# ")] for name in recipe_names()
        ]
    if kind == "scenarios":
        from bench.scenarios import SCENARIOS

        return ["scenario", "forget set"], [
            [found.form, found.meaning] for found in SCENARIOS.values()
        ]
    if kind == "metrics":
        from bench.metrics import METRICS

        return ["metric", "better", "meaning"], [
            [name, metric.better, metric.meaning] for name, metric in METRICS.items()
        ]
    if kind == "criteria":
        return ["criterion", "what tuning makes small"], [
            [name, criterion.meaning] for name, criterion in CRITERIA.items()
        ]
    return ["suite", "what it is"], [[name, load_suite(name).description] for name in suite_names()]


@main.command(name="check-method")
@click.argument("method", metavar="NAME|FILE")
def check_method(method: str) -> None:
    """Check a method, by its name or its file, for what every method must do.

    Exits with 1 if a check fails.
    """
    from bench.registry import list_methods

    path = Path(method)
    if not path.is_file():
        known = list_methods()
        if method not in known:
            raise unknown_name("method", method, known)
        path = known[method].path

    import torch

    from bench.conformance import CHECKS, subjects, verdict

    torch.set_num_threads(1)
    failures = 0
    for subject in subjects([path]):
        for check, function in CHECKS.items():
            fault = verdict(subject, check)
            failures += bool(fault)
            meaning = (function.__doc__ or "").splitlines()[0]
            click.echo(f"{'FAILED' if fault else 'passed'}  {subject.label}: {meaning}")
            if fault:
                click.echo(f"        {fault}")
    click.echo(f"{failures} failed" if failures else "All checks passed.")
    if failures:
        raise click.exceptions.Exit(1)
