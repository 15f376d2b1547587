"""The runner: from a grid to its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import Console

from ser_unlearn.data.scenarios import check_scenario
from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.evaluation.membership import dearest
from ser_unlearn.evaluation.prices import Price
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.results.folders import check_folder
from ser_unlearn.results.mirror import check_store
from ser_unlearn.results.names import shown
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Record, folder_of, read_record, write_record
from ser_unlearn.results.store import default_place
from ser_unlearn.runner.again import is_answered, job_of
from ser_unlearn.runner.drawn import learn, learn_from
from ser_unlearn.runner.grid import (
    Cell,
    Options,
    cells,
    grid,
    has_record,
    order,
    request_of,
    rows,
    trainings,
)
from ser_unlearn.runner.local import apart
from ser_unlearn.runner.progress import Display
from ser_unlearn.runner.suite import FIRST_TUNING_SEED, Suite
from ser_unlearn.runner.trainings import awaited
from ser_unlearn.runner.unlearnings import ShadowUnlearning, Unlearning
from ser_unlearn.runner.workers import Job, work
from ser_unlearn.unlearning.registry import Row, check_classes, list_methods

MOST_JOBS = 1_000_000
"""Results that one run can stand for: years of work."""


def run(
    suite: Suite,
    overrides: Mapping[str, Mapping[str, str]],
    options: Options,
    console: Console,
    *,
    further: Mapping[Cell, Sequence[Row]] | None = None,
) -> list[Record]:
    """Run what a suite asks for and the results folder lacks.

    Args:
        suite: the grid.
        overrides: parameters as text, by method and field.
        options: where and how.
        console: where progress is shown.
        further: rows that single tables have beside the suite's.

    Returns:
        The records of the whole grid, those that were there already among them.

    Raises:
        UserError: before anything runs, if a name, a parameter or a recording is wrong.
    """
    check(cells(suite), options)
    _check_seeds(suite)
    chosen = rows(suite, overrides)
    _check_overrides(overrides, chosen)
    _check_size(suite, chosen)
    options.engine.require(default_place(), options.data_dir, options.device)

    unlearnings = list(grid(suite, chosen, options, further or {}))
    with console.status("Looking at corpora ..."):
        _check_scenarios(unlearnings)
        learn(unlearnings)
        originals = awaited(map(request_of, unlearnings))
    if originals:
        _check_classes(unlearnings)
    _execute([(job, 1.0) for job in originals], options, console, "the forget sets can be drawn")
    with console.status("Looking at records ..."):
        missing = [job.resumed() for job in unlearnings if not has_record(job)]
        _check_classes(missing)
        models = trainings(missing)
    _execute(order(models, missing, options.results), options, console)
    return [read_record(options.results, job.record_path) for job in unlearnings]


def check(tables: Sequence[Cell], options: Options) -> None:
    """Refuse what cannot run, before anything does.

    Raises:
        UserError: if a corpus, a recipe, a scenario or an option is wrong, or nothing can be
            written.
    """
    _check_outputs(options)
    check_inputs(tables, options)


def check_inputs(tables: Sequence[Cell], options: Options) -> None:
    """The same, wherever the results go; raises what `check` raises."""
    _check_device(options)
    corpora = list(dict.fromkeys(corpus for corpus, _, _ in tables))
    for corpus in corpora:
        options.card(corpus)
    names = {recipe: load_recipe(recipe).name for _, recipe, _ in tables}
    for corpus, recipe, scenario in tables:
        folder_of(corpus, names[recipe], scenario)
    _check_folder(corpora, options)


def evaluate(
    chosen: Sequence[Record],
    attacks: Price | None,
    durability: bool,
    references: int | None,
    options: Options,
    console: Console,
    recipes: Mapping[str, str],
) -> tuple[list[Record], list[Record]]:
    """Compute the metrics of records anew, from what the store has; no method runs.

    Args:
        chosen: the records.
        attacks: the dearest membership attacks to run; None for those of each record.
        durability: whether to measure durability, also where a record lacks it.
        references: how many models to measure distance to; None for those of each record.
        options: where and how.
        console: where progress is shown.
        recipes: where the recipes of records are, by name: the name again, or a path.

    Returns:
        The new records, and those of which the store lacks the outputs: another cache, or
        recordings, code or parameters that have changed since.
    """
    _check_outputs(options)
    options.engine.require(default_place(), options.data_dir, options.device)
    here = provenance(options.device).checkout()
    jobs: list[Unlearning] = []
    shadow_unlearnings: list[ShadowUnlearning] = []
    lacking: list[Record] = []
    with console.status("Looking at corpora and records ..."):
        for record in chosen:
            recipe = recipes.get(record.recipe)
            found = None if recipe is None else job_of(record, options, recipe)
            if found is None:
                lacking.append(record)
                continue
            learn_from(record, found)
            job = replace(
                found,
                attacks=attacks or dearest(record.attacks),
                durability=durability or record.metrics.get("relearn_steps") is not None,
                references=references or record.references,
                evaluated_by=here,
            )
            if is_answered(job):
                jobs.append(job)
                shadow_unlearnings += job.shadow_unlearnings()
            else:
                lacking.append(record)
        models = trainings(jobs)
    _execute([(job, 1.0) for job in (*models, *shadow_unlearnings, *jobs)], options, console)
    return [read_record(options.results, job.record_path) for job in jobs], lacking


def _check_scenarios(unlearnings: list[Unlearning]) -> None:
    """Refuse a scenario that asks for more than its corpus has."""
    for place, scenario in dict.fromkeys((job.place, job.scenario) for job in unlearnings):
        setup = place.setup()
        check_scenario(scenario, setup.corpus.utterances, setup.split.train, setup.listed)


def _check_classes(unlearnings: list[Unlearning]) -> None:
    """Refuse what methods' classes refuse, of those that have to run."""
    # What tuning found, a class has borne out in every trial.
    rows = {job.row.label: job.row for job in unlearnings if job.row.tuned is None}
    if rows:
        apart(check_classes, list(rows.values()))


def _execute(
    ordered: list[tuple[Job[Record | None], float]],
    options: Options,
    console: Console,
    goal: str | None = None,
) -> None:
    """Run jobs side by side, and write their records.

    Args:
        ordered: the jobs as workers take them, with their weights.
        options: how.
        console: where progress is shown.
        goal: what can be done afterwards, if the run does not end there.
    """
    if not ordered:
        return
    workers = options.engine.count(options.jobs, options.device, len(ordered))

    def conclude(record: Record | None) -> str:
        if record is not None:
            write_record(options.results, record)
        return _describe(record)

    jobs = dict(enumerate(job for job, _ in ordered))
    with Display([weight for _, weight in ordered], workers, console, goal) as display:
        work(jobs, workers, display, conclude, options.engine)


def _describe(record: Record | None) -> str:
    if record is None:
        return "done"
    if record.status != "done":
        return f"{record.status}: {shown(record.reason)}"
    return f"done in {record.metrics['runtime_s']:.1f} s"


def _check_seeds(suite: Suite) -> None:
    if suite.runs > FIRST_TUNING_SEED:
        raise UserError(
            f"The seeds of {suite.runs} runs reach those that methods are tuned on, "
            f"{FIRST_TUNING_SEED} and above. Ask for at most {FIRST_TUNING_SEED}."
        )


def _check_size(suite: Suite, rows: list[Row]) -> None:
    """Refuse a grid that could not even be listed."""
    jobs = len(cells(suite)) * len(rows) * suite.runs * suite.method_seeds
    if jobs > MOST_JOBS:
        raise UserError(
            f"This run stands for {jobs} results; {MOST_JOBS} are the most. "
            "Ask for fewer runs, scenarios or methods."
        )


def _check_outputs(options: Options) -> None:
    check_folder(options.results, "--results")
    check_store()


def _check_overrides(overrides: Mapping[str, Mapping[str, str]], rows: list[Row]) -> None:
    known = {*list_methods(), *(row.method for row in rows)}
    for method in overrides:
        if method not in known:
            raise unknown_name("method", method, known)
    idle = set(overrides) - {row.method for row in rows}
    if idle:
        raise UserError(
            f"--set names the method '{min(idle)}', which this run leaves out. "
            f"It runs {', '.join(sorted({row.method for row in rows}))}."
        )


def _check_folder(corpora: Sequence[str], options: Options) -> None:
    data_dir = options.data_dir
    if data_dir is None:
        return
    try:
        there = data_dir.is_dir()
    # A name that is too long for one.
    except OSError:
        there = False
    if not there:
        raise UserError(
            f"--data-dir {shown(str(data_dir), 200)} is not a folder. "
            "Give the one with the recordings."
        )
    if not any(options.folder(corpus) for corpus in corpora):
        raise UserError(
            f"--data-dir: {', '.join(corpora)} is not read from a folder. Leave it out."
        )


def _check_device(options: Options) -> None:
    # Others look for their own.
    if options.device == "cuda" and not options.engine.remote:
        import torch

        if not torch.cuda.is_available():
            raise UserError("--device cuda: torch finds no GPU here. Use --device cpu.")
