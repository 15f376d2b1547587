"""Tuning: the same number of trials for every method, on seeds that reported runs never use."""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from itertools import islice

from rich.console import Console

from ser_unlearn.data.scenarios import requests
from ser_unlearn.errors import UserError
from ser_unlearn.evaluation.distance import FEWEST
from ser_unlearn.results.names import shown
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Seeds
from ser_unlearn.runner.grid import Options, place_of
from ser_unlearn.runner.places import Place
from ser_unlearn.runner.progress import Display
from ser_unlearn.runner.run import check
from ser_unlearn.runner.suite import FIRST_TUNING_SEED, TIMEOUT_S, Suite
from ser_unlearn.runner.trainings import Training
from ser_unlearn.runner.workers import work
from ser_unlearn.tuning.criteria import CRITERIA, check_validation
from ser_unlearn.tuning.scoring import Score, Scoring
from ser_unlearn.tuning.space import Space, Value, distributions, read_space
from ser_unlearn.tuning.studies import Study, Trial, TuningSeeds, best_of, mean_of, write_study
from ser_unlearn.unlearning.registry import load_class, resolve

Setting = Mapping[str, Value]
"""All parameters of a method."""

SEEDS = TuningSeeds(
    sampler=0,
    models=[FIRST_TUNING_SEED],
    forgets=[FIRST_TUNING_SEED, FIRST_TUNING_SEED + 1],
    method=0,
)
"""The same for every method."""

STARTUP = 10
"""Trials before the sampler learns from any: the defaults, and random ones. They run together."""

UNLEARNING_WEIGHT = 0.2
"""How long a method takes of a training, about."""


def tune(
    name: str,
    corpus: str,
    recipe: str,
    scenario: str,
    *,
    criterion: str,
    n_trials: int,
    options: Options,
    console: Console,
) -> Study:
    """Tune a method, and write the study.

    What a trial leaves behind is kept in the store: a study that was stopped goes on where it was,
    and a setting that is drawn twice is computed once.

    Args:
        name: a row of the tables: a method, or a variant, which has other defaults.
        corpus: name of the card.
        recipe: name of the recipe.
        scenario: how forget sets are drawn.
        criterion: a name in `ser_unlearn.tuning.criteria`.
        n_trials: how many settings to try, the defaults among them.
        options: where and how.
        console: where progress is shown.

    Raises:
        UserError: before anything runs, if Optuna is not installed, or a name, the search space or
            a recording is wrong.
    """
    _check_optuna()
    single = requests(scenario)
    if single != [scenario]:
        raise UserError(
            f"The scenario '{scenario}' is a sequence of requests. Tune on one: {single[0]}."
        )
    row = resolve(name, {})
    space = read_space(load_class(row.method), row.label, row.parameters)
    cell = Suite(
        description="tuning",
        corpora=[corpus],
        recipes=[recipe],
        scenarios=[scenario],
        runs=len(SEEDS.models),
        references=FEWEST,
        timeout_s=TIMEOUT_S,
    )
    check(cell, options)
    place = place_of(corpus, recipe, options)
    pairs = list(itertools.product(SEEDS.models, SEEDS.forgets))
    with console.status("Looking at the corpus ..."):
        for pair in pairs:
            check_validation(place.request(scenario, *pair))
        trainings = _trainings(place, scenario, criterion)
    origin = provenance(options.device)

    at_once = max(len(trainings), min(STARTUP, n_trials) * len(pairs))
    workers = options.engine.count(options.jobs, options.device, at_once)
    weights = [1.0] * len(trainings) + [UNLEARNING_WEIGHT] * (n_trials * len(pairs))
    with Display(weights, workers, console) as display:
        work(dict(enumerate(trainings)), workers, display, lambda _: "done", options.engine)
        numbers = itertools.count(len(trainings))

        def attempt(first: int, settings: list[Setting]) -> list[Trial]:
            jobs = {
                next(numbers): Scoring(
                    place,
                    scenario,
                    dataclasses.replace(row, label=f"{name} trial {trial}", parameters=setting),
                    Seeds(model=model, forget=forget, method=SEEDS.method),
                    options.limits(TIMEOUT_S),
                    origin,
                    criterion,
                )
                for trial, setting in enumerate(settings, first)
                for model, forget in pairs
            }
            done = work(jobs, workers, display, _describe, options.engine)
            scores = (done[number] for number in jobs)
            return [_trial(setting, list(islice(scores, len(pairs)))) for setting in settings]

        trials = search(space, row.parameters, n_trials, SEEDS.sampler, attempt)

    best = best_of(trials)
    setup = place.setup()
    study = Study(
        corpus=corpus,
        card=setup.corpus.card.digest,
        recipe=recipe,
        recipe_digest=setup.recipe.digest,
        scenario=scenario,
        label=row.label,
        method=row.method,
        code=row.code,
        criterion=criterion,
        seeds=SEEDS,
        timeout_s=TIMEOUT_S,
        search_space=space,
        n_trials=n_trials,
        trials=trials,
        best=best,
        best_parameters=None if best is None else trials[best].parameters,
        provenance=origin.model_copy(
            update={"packages": {**origin.packages, "optuna": version("optuna")}}
        ),
    )
    write_study(options.results, study)
    return study


def search(
    space: Space,
    defaults: Setting,
    n_trials: int,
    seed: int,
    attempt: Callable[[int, list[Setting]], list[Trial]],
) -> list[Trial]:
    """Draw trials by the tree-structured Parzen estimator, the defaults first.

    Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization, as Optuna implements it.

    Args:
        space: what may be tried.
        defaults: all of the method's fields.
        n_trials: how many to draw.
        seed: of the sampler.
        attempt: tries settings, of which the first has this number.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial({field: defaults[field] for field in space})
    allowed = distributions(space)
    trials: list[Trial] = []
    while len(trials) < n_trials:
        count = 1 if trials else min(STARTUP, n_trials)
        drawn = [study.ask(allowed) for _ in range(count)]
        tried = attempt(len(trials), [{**defaults, **each.params} for each in drawn])
        for each, trial in zip(drawn, tried, strict=True):
            if trial.value is None:
                # The sampler takes it for worse than every trial that has a value.
                study.tell(each, state=optuna.trial.TrialState.PRUNED)
            else:
                study.tell(each, trial.value)
        trials += tried
    return trials


def _trainings(place: Place, scenario: str, criterion: str) -> list[Training]:
    """The models that a criterion needs and the store lacks, originals first."""
    jobs = [Training(place, model) for model in SEEDS.models]
    if CRITERIA[criterion].needs_retrained:
        jobs += [
            Training(place, model, scenario, forget)
            for model, forget in itertools.product(SEEDS.models, SEEDS.forgets)
        ]
    return [job for job in jobs if not job.is_done()]


def _trial(setting: Setting, scores: Sequence[Score]) -> Trial:
    """What the scores on all forget sets say of a setting."""
    values = [score.value for score in scores]
    failed = next((score for score in scores if score.status != "done"), None)
    return Trial(
        parameters=dict(setting),
        status=failed.status if failed else "done",
        reason=failed.reason if failed else "",
        values=values,
        value=mean_of(values),
        seconds=sum(score.seconds for score in scores),
    )


def _describe(score: Score) -> str:
    if score.value is None:
        return f"{score.status}: {shown(score.reason)}"
    return f"{score.value:.1f} points in {score.seconds:.1f} s"


def _check_optuna() -> None:
    if importlib.util.find_spec("optuna") is None:
        raise UserError("Tuning needs Optuna. Install it: pip install 'ser-unlearn[tune]'")
