"""The runner: from a grid to its records."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.corpus import load_card
from bench.errors import UserError, unknown_name
from bench.jobs import Place, ShadowTraining, ShadowUnlearning, Training, Unlearning
from bench.membership import dearest
from bench.prices import Price
from bench.progress import Display
from bench.provenance import provenance
from bench.recipe import load_recipe
from bench.records import Record, Seeds, read_record, read_records
from bench.registry import Row, list_methods, resolve
from bench.scenarios import check_scenario, kind_of, requests
from bench.shadows import COUNT
from bench.store import default_root
from bench.studies import tuned_rows
from bench.suite import FIRST_TUNING_SEED, TIMEOUT_S, Suite
from bench.workers import Job, count_workers, work

UNKNOWN_WEIGHT = 0.2
"""How long a method takes of a training, where no record tells; evaluation included."""


@dataclass(frozen=True)
class Options:
    """Where and how a suite runs."""

    results: Path
    data_dir: Path | None = None
    jobs: int | None = None
    """Workers side by side; None for one a core."""
    device: str = "cpu"


def run(
    suite: Suite,
    overrides: Mapping[str, Mapping[str, str]],
    options: Options,
    console: Console,
    *,
    tuned: Sequence[str] = (),
) -> list[Record]:
    """Run what a suite asks for and the results folder lacks.

    Args:
        suite: the grid.
        overrides: parameters as text, by method and field.
        options: where and how.
        console: where progress is shown.
        tuned: criteria; every row with a study by one of them gets a row with what it found.

    Returns:
        The records of the whole grid, those that were there already among them.

    Raises:
        UserError: before anything runs, if a name, a parameter or a recording is wrong.
    """
    check(suite, options)
    _check_seeds(suite)
    wanted = suite.methods or [row for info in list_methods().values() for row in info.rows]
    rows = [resolve(row, overrides) for row in wanted]
    _check_overrides(overrides, rows)
    if tuned and overrides:
        raise UserError("--set and --tuned: parameters are either given or tuned. Leave one out.")

    unlearnings = list(_grid(suite, _scenarios(suite), rows, options, tuned))
    with console.status("Looking at corpora ..."):
        _check_scenarios(unlearnings)
        awaited = _awaited(unlearnings)
    _execute([(job, 1.0) for job in awaited], options, console, "the forget sets can be drawn")
    with console.status("Looking at records ..."):
        missing = [job for job in unlearnings if not _has_record(job)]
        trainings = _trainings(missing)
    _execute(_order(trainings, missing, options.results), options, console)
    return [read_record(options.results, job.record_path) for job in unlearnings]


def check(suite: Suite, options: Options) -> None:
    """Refuse what cannot run, before anything does.

    Raises:
        UserError: if a corpus, a recipe, a scenario or an option is wrong.
    """
    _check_device(options.device)
    for corpus in suite.corpora:
        load_card(corpus)
    for recipe in suite.recipes:
        load_recipe(recipe)
    _scenarios(suite)
    _check_folder(suite, options.data_dir)


def _scenarios(suite: Suite) -> list[str]:
    """The suite's scenarios, a sequence as its single requests; each once."""
    return list(dict.fromkeys(each for scenario in suite.scenarios for each in requests(scenario)))


def evaluate(
    chosen: Sequence[Record],
    attacks: Price | None,
    durability: bool,
    options: Options,
    console: Console,
) -> tuple[list[Record], list[Record]]:
    """Compute the metrics of records anew, from what the store has; no method runs.

    Args:
        chosen: the records.
        attacks: the dearest membership attacks to run; None for those of each record.
        durability: whether to measure durability, also where a record lacks it.
        options: where and how.
        console: where progress is shown.

    Returns:
        The new records, and those of which the store lacks the outputs: another cache, or
        recordings, code or parameters that have changed since.
    """
    known = list_methods()
    here = provenance(options.device).checkout()
    jobs: list[Unlearning] = []
    shadow_unlearnings: list[ShadowUnlearning] = []
    lacking: list[Record] = []
    with console.status("Looking at corpora and records ..."):
        for record in chosen:
            if record.status != "done" or record.method not in known:
                lacking.append(record)
                continue
            row = Row(
                record.label,
                record.method,
                frozenset(record.needs),
                record.reference,
                record.parameters,
                known[record.method].code,
                record.tuned,
            )
            place = place_of(record.corpus, record.recipe, options)
            job = Unlearning(
                place,
                record.scenario,
                row,
                record.seeds,
                # Of methods on shadow models, which the dearest attacks run.
                timeout_s=TIMEOUT_S,
                provenance=record.provenance,
                results=options.results,
                attacks=attacks or dearest(record.attacks),
                durability=durability or record.metrics.get("relearn_steps") is not None,
                evaluated_by=here,
            )
            if job.has_answer(job.request):
                jobs.append(job)
                shadow_unlearnings += job.shadow_unlearnings()
            else:
                lacking.append(record)
        trainings = _trainings(jobs)
    _execute([(job, 1.0) for job in (*trainings, *shadow_unlearnings, *jobs)], options, console)
    return [read_record(options.results, job.record_path) for job in jobs], lacking


def place_of(corpus: str, recipe: str, options: Options) -> Place:
    """A corpus seen through a recipe, where the options say."""
    folder = _folder(options.data_dir, corpus)
    return Place(corpus, recipe, folder, options.device, default_root())


def _grid(
    suite: Suite,
    scenarios: Sequence[str],
    rows: list[Row],
    options: Options,
    criteria: Sequence[str],
) -> Iterator[Unlearning]:
    origin = provenance(options.device)
    cells = list(itertools.product(suite.corpora, suite.recipes, scenarios))
    tuned = {cell: tuned_rows(options.results, *cell, rows, criteria) for cell in cells}
    if criteria and not any(tuned.values()):
        raise UserError(
            f"--tuned {' '.join(criteria)}: no row of this run has such a study in "
            f"{options.results}. Tune one first: ser-unlearn tune."
        )
    for corpus, recipe, scenario in cells:
        place = place_of(corpus, recipe, options)
        # The same forget set again is no further evidence.
        forget_seeds = suite.forget_seeds if kind_of(scenario).seeded else 1
        for model, forget, method, row in itertools.product(
            range(suite.model_seeds),
            range(forget_seeds),
            range(suite.method_seeds),
            [*rows, *tuned[corpus, recipe, scenario]],
        ):
            seeds = Seeds(model=model, forget=forget, method=method)
            yield Unlearning(
                place,
                scenario,
                row,
                seeds,
                suite.timeout_s,
                origin,
                options.results,
                suite.attacks,
                suite.durability,
            )


def _folder(data_dir: Path | None, corpus: str) -> Path | None:
    """The folder of a corpus: `data_dir` itself, or the one in it that has the corpus's name."""
    if data_dir is None or not _reads_folders(corpus):
        return None
    own = data_dir / corpus
    return (own if own.is_dir() else data_dir).resolve()


def _reads_folders(corpus: str) -> bool:
    return any(source.kind == "folder" for source in load_card(corpus).sources)


def _check_scenarios(unlearnings: list[Unlearning]) -> None:
    """Refuse a scenario that asks for more than its corpus has."""
    for place, scenario in dict.fromkeys((job.place, job.scenario) for job in unlearnings):
        setup = place.setup()
        check_scenario(scenario, setup.corpus.utterances, setup.split.train)


def _awaited(unlearnings: list[Unlearning]) -> list[Training]:
    """The originals that the store lacks, and without which forget sets cannot be drawn."""
    originals = dict.fromkeys(
        Training(job.place, job.seeds.model)
        for job in unlearnings
        if kind_of(job.scenario).ranks_by_loss
    )
    return [job for job in originals if not job.is_done()]


def _has_record(job: Unlearning) -> bool:
    """Whether the results folder holds a finished record of exactly this job."""
    if not job.record_path.exists():
        return False
    return job.is_done_by(read_record(job.results, job.record_path))


def _trainings(unlearnings: list[Unlearning]) -> list[Training | ShadowTraining]:
    """The models that the store lacks, each once; originals first, for more waits on them."""
    originals = [Training(job.place, job.seeds.model) for job in unlearnings]
    retrained = [
        Training(job.place, job.seeds.model, job.scenario, job.seeds.forget) for job in unlearnings
    ]
    attacked = dict.fromkeys(job.place for job in unlearnings if job.attacks != "simple")
    shadow_models = [ShadowTraining(place, number) for place in attacked for number in range(COUNT)]
    wanted: list[Training | ShadowTraining] = [*originals, *retrained, *shadow_models]
    return [job for job in dict.fromkeys(wanted) if not job.is_done()]


def _order(
    trainings: list[Training | ShadowTraining], unlearnings: list[Unlearning], results: Path
) -> list[tuple[Job[Record | None], float]]:
    """Put jobs in the order in which workers take them, each with its weight.

    Trainings come first, for they are longest and the rest waits on them; then, cell by cell in
    the same order, methods, the longest first, on shadow models before the one that is audited. A
    job whose models are still in the making waits.
    """
    shares = _shares_of_training(unlearnings, results)
    cells: dict[tuple[object, ...], list[tuple[Unlearning, float]]] = {}
    for job in unlearnings:
        weight = shares.get(job.row.label, UNKNOWN_WEIGHT)
        cells.setdefault(_cell(job), []).append((job, weight))
    ordered: list[tuple[Job[Record | None], float]] = [(job, 1.0) for job in trainings]
    for weighed in cells.values():
        weighed.sort(key=lambda pair: -pair[1])
        ordered += [(each, weight) for job, weight in weighed for each in job.shadow_unlearnings()]
        ordered += weighed
    return ordered


def _cell(job: Unlearning) -> tuple[object, ...]:
    """What the methods that share an original and a retrained model have in common."""
    return job.place, job.seeds.model, job.scenario, job.seeds.forget


def _shares_of_training(unlearnings: list[Unlearning], results: Path) -> dict[str, float]:
    """How long each row took of a training, the median over earlier records."""
    shares: dict[str, list[float]] = {}
    for place in dict.fromkeys(job.place for job in unlearnings):
        for record in read_records(results, place.corpus, place.recipe):
            speedup = record.metrics.get("speedup")
            if speedup:
                shares.setdefault(record.label, []).append(1 / speedup)
    return {label: statistics.median(values) for label, values in shares.items()}


def _execute(
    ordered: list[tuple[Job[Record | None], float]],
    options: Options,
    console: Console,
    goal: str | None = None,
) -> None:
    """Run jobs side by side.

    Args:
        ordered: the jobs as workers take them, with their weights.
        options: how.
        console: where progress is shown.
        goal: what can be done afterwards, if the run does not end there.
    """
    if not ordered:
        return
    workers = count_workers(options.jobs, options.device, len(ordered))
    with Display([weight for _, weight in ordered], workers, console, goal) as display:
        work(dict(enumerate(job for job, _ in ordered)), workers, display, _describe)


def _describe(record: Record | None) -> str:
    if record is None:
        return "done"
    if record.status != "done":
        return f"{record.status}: {record.reason}"
    return f"done in {record.metrics['runtime_s']:.1f} s"


def _check_seeds(suite: Suite) -> None:
    for name, count in (("model", suite.model_seeds), ("forget", suite.forget_seeds)):
        if count > FIRST_TUNING_SEED:
            raise UserError(
                f"{count} {name} seeds reach those that methods are tuned on, {FIRST_TUNING_SEED} "
                f"and above. Ask for at most {FIRST_TUNING_SEED}."
            )


def _check_overrides(overrides: Mapping[str, Mapping[str, str]], rows: list[Row]) -> None:
    for method in overrides:
        if method not in list_methods():
            raise unknown_name("method", method, list_methods())
    idle = set(overrides) - {row.method for row in rows}
    if idle:
        raise UserError(
            f"--set names the method '{min(idle)}', which this run leaves out. "
            f"It runs {', '.join(sorted({row.method for row in rows}))}."
        )


def _check_folder(suite: Suite, data_dir: Path | None) -> None:
    if data_dir is None:
        return
    if not data_dir.is_dir():
        raise UserError(f"--data-dir {data_dir} is not a folder. Give the one with the recordings.")
    if not any(_reads_folders(corpus) for corpus in suite.corpora):
        raise UserError(
            f"--data-dir: {', '.join(suite.corpora)} is not read from a folder. Leave it out."
        )


def _check_device(device: str) -> None:
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UserError("--device cuda: torch finds no GPU here. Use --device cpu.")
