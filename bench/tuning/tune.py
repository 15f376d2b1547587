"""Tuning: the same number of trials for every method, on seeds that reported runs never use."""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from rich.console import Console

from ser_unlearn.data.cards import Card
from ser_unlearn.data.scenarios import requests as requests_of
from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.recipe import Recipe, load_recipe
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Provenance, Seeds
from ser_unlearn.runner.grid import Options, place_of
from ser_unlearn.runner.places import Place
from ser_unlearn.runner.progress import Display
from ser_unlearn.runner.run import check
from ser_unlearn.runner.suite import FIRST_TUNING_SEED
from ser_unlearn.runner.trainings import Training, awaited
from ser_unlearn.runner.workers import work
from ser_unlearn.tuning.course import Course
from ser_unlearn.tuning.criteria import CRITERIA, TIMEOUT_S, check_validation
from ser_unlearn.tuning.pool import Pool, Step
from ser_unlearn.tuning.scoring import Scoring
from ser_unlearn.tuning.search import Setting
from ser_unlearn.tuning.space import around, read_space
from ser_unlearn.tuning.studies import Study, TuningSeeds, best_of, write_study
from ser_unlearn.unlearning.registry import (
    info_of,
    list_methods,
    load_class,
    resolve_all,
)

SEEDS = TuningSeeds(sampler=0, runs=[FIRST_TUNING_SEED], method=0)
"""The same for every method."""

UNLEARNING_WEIGHT = 0.2
"""How long a method takes of a training, about."""


@dataclass(frozen=True)
class Goal:
    """What a study is about."""

    corpora: Sequence[str]
    recipe: str
    """Its name, or the path of its file."""
    scenarios: Sequence[str]
    criterion: str
    n_trials: int
    """How many settings to try of each row, the defaults among them."""


@dataclass(frozen=True)
class Asked:
    """A request on which every setting is tried."""

    place: Place
    scenario: str
    seed: int
    """Of the original model, and of the forget set."""


def tunable() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The methods that have a search space, and those that have none."""
    names = tuple(list_methods())
    having = tuple(name for name in names if load_class(name).search_space)
    return having, tuple(name for name in names if name not in having)


def tune(names: Sequence[str], goal: Goal, options: Options, console: Console) -> list[Study]:
    """Tune rows side by side, and write the study of each as it ends.

    What comes of a setting is kept in the store: a study that was stopped goes on where it was,
    and a setting that is drawn twice is computed once.

    Args:
        names: rows of the tables: methods, or variants, which have other defaults.
        goal: what for.
        options: where and how.
        console: where progress is shown.

    Raises:
        UserError: before anything runs, if Optuna is not installed, or a name, a search space or a
            recording is wrong.
    """
    _check_optuna()
    _check_single(goal.scenarios)
    recipe = load_recipe(goal.recipe)
    rows, spaces = [], {}
    for row in resolve_all(list(dict.fromkeys(names)), {}):
        space = read_space(load_class(row.method, row.path), row.label, row.parameters)
        rows.append(row.under(recipe.layout.family))
        spaces[row.label] = around(space, row.parameters, rows[-1].parameters)
    check(list(itertools.product(goal.corpora, [goal.recipe], goal.scenarios)), options)
    asked = [
        Asked(place_of(corpus, goal.recipe, options), scenario, seed)
        for corpus, scenario, seed in itertools.product(goal.corpora, goal.scenarios, SEEDS.runs)
    ]
    requests = ((each.place, each.seed, each.scenario, each.seed) for each in asked)
    _train(awaited(requests), options, console)
    with console.status("Looking at corpora ..."):
        for each in asked:
            check_validation(each.place.request(each.scenario, each.seed, each.seed))
        trainings = _trainings(asked, goal.criterion)
    limits, origin = options.limits(TIMEOUT_S), provenance(options.device)
    cards = [options.card(corpus) for corpus in goal.corpora]
    studies: dict[str, Study] = {}

    def scoring(step: Step, setting: Setting) -> Scoring:
        on, row = asked[step.request], step.course.row
        return Scoring(
            on.place,
            on.scenario,
            dataclasses.replace(row, label=f"{row.label} trial {step.trial}", parameters=setting),
            Seeds(model=on.seed, forget=on.seed, method=SEEDS.method),
            limits,
            origin,
            goal.criterion,
        )

    def ended(course: Course) -> None:
        study = _study(course, goal, cards, recipe, limits.seconds, origin)
        write_study(options.results, study)
        studies[study.label] = study

    courses = [
        Course(row, spaces[row.label], goal.criterion, goal.n_trials, len(asked), SEEDS.sampler)
        for row in rows
    ]
    unit = CRITERIA[goal.criterion].unit
    pool = Pool(trainings, courses, len(asked), scoring=scoring, ended=ended, unit=unit)
    workers = options.engine.count(options.jobs, options.device, len(pool))
    n_steps = len(rows) * goal.n_trials * len(asked)
    weights = [1.0] * len(trainings) + [UNLEARNING_WEIGHT] * n_steps
    with Display(weights, workers, console) as display:
        pool.work(options.engine, workers, display)
    return [studies[row.label] for row in rows]


def _study(
    course: Course,
    goal: Goal,
    cards: Sequence[Card],
    recipe: Recipe,
    timeout_s: float,
    origin: Provenance,
) -> Study:
    """What the trials of a row come to."""
    row, trials = course.row, course.trials
    best = best_of(trials)
    return Study(
        corpora=list(goal.corpora),
        cards=[card.digest for card in cards],
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        scenarios=list(goal.scenarios),
        label=row.label,
        method=row.method,
        code=info_of(row).code,
        criterion=goal.criterion,
        seeds=SEEDS,
        timeout_s=timeout_s,
        search_space=course.space,
        n_trials=goal.n_trials,
        trials=trials,
        best=best,
        best_parameters=None if best is None else trials[best].parameters,
        provenance=origin.model_copy(
            update={"packages": {**origin.packages, "optuna": version("optuna")}}
        ),
    )


def _train(jobs: Sequence[Training], options: Options, console: Console) -> None:
    """Train models before anything else."""
    if not jobs:
        return
    workers = options.engine.count(options.jobs, options.device, len(jobs))
    with Display([1.0] * len(jobs), workers, console, "the forget sets can be drawn") as display:
        work(dict(enumerate(jobs)), workers, display, lambda _: "done", options.engine)


def _trainings(asked: Sequence[Asked], criterion: str) -> list[Training]:
    """The models that a criterion needs and the store lacks, originals first."""
    needs = CRITERIA[criterion]
    numbers = [*([None] if needs.retrained else []), *range(needs.references)]
    jobs = [Training(each.place, each.seed) for each in asked]
    jobs += [
        Training(each.place, each.seed, each.scenario, each.seed, number)
        for each in asked
        for number in numbers
    ]
    return [job for job in dict.fromkeys(jobs) if not job.is_done()]


def _check_single(scenarios: Sequence[str]) -> None:
    for scenario in scenarios:
        single = requests_of(scenario)
        if single != [scenario]:
            raise UserError(
                f"The scenario '{scenario}' is a sequence of requests. Tune on one: {single[0]}."
            )


def _check_optuna() -> None:
    if importlib.util.find_spec("optuna") is None:
        raise UserError("Tuning needs Optuna. Install it: pip install 'ser-unlearn[tune]'")
