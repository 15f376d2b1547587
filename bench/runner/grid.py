"""The grid: which jobs a suite stands for, what each waits on, and in which order they go."""

from __future__ import annotations

import glob
import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_unlearn.data.brought import Brought
from ser_unlearn.data.cards import Card, load_card
from ser_unlearn.data.lists import take
from ser_unlearn.data.scenarios import requests
from ser_unlearn.data.sources import folder_of
from ser_unlearn.errors import UserError
from ser_unlearn.evaluation.shadows import COUNT
from ser_unlearn.recogniser.adoption import adopt
from ser_unlearn.recogniser.recipe import is_path, load_recipe
from ser_unlearn.results.mirror import store_at
from ser_unlearn.results.provenance import provenance
from ser_unlearn.results.records import Record, Seeds, read_claim, read_record
from ser_unlearn.results.store import default_place
from ser_unlearn.runner.local import LOCAL
from ser_unlearn.runner.places import Place
from ser_unlearn.runner.suite import Suite
from ser_unlearn.runner.trainings import ShadowTraining, Training
from ser_unlearn.runner.unlearnings import Unlearning
from ser_unlearn.runner.workers import Engine, Job
from ser_unlearn.unlearning.limits import Limits
from ser_unlearn.unlearning.registry import Row, resolve_all

UNKNOWN_WEIGHT = 0.2
"""How long a method takes of a training, where no record tells; evaluation included."""

ENOUGH = 5
"""Records of a row in a table, from which it is estimated how long the row takes."""


@dataclass(frozen=True)
class Options:
    """Where and how a suite runs."""

    results: Path
    data_dir: Path | None = None
    jobs: int | None = None
    """Workers side by side; None for one a core."""
    device: str = "cpu"
    timeout_s: float | None = None
    """The seconds that a method may take; None for what the suite says."""
    max_memory_mb: float | None = None
    """The memory of its own that a method may take; None for the machine's over the workers."""
    engine: Engine = LOCAL
    checkpoint: str | None = None
    """What the original model is known by, if it was trained elsewhere."""
    brought: Mapping[str, Brought] = field(default_factory=dict)
    """Corpora that are none of the project's, by name."""

    def card(self, corpus: str) -> Card:
        """The card of a corpus.

        Raises:
            UserError: if there is none, or it is not valid.
        """
        return self.brought[corpus].card if corpus in self.brought else load_card(corpus)

    def folder(self, corpus: str) -> Path | None:
        """The folder with a corpus's recordings; None if it is not read from one."""
        brought = self.brought.get(corpus)
        if brought and brought.folder:
            return brought.folder
        return folder_of(self.card(corpus), self.data_dir)

    def limits(self, timeout_s: float) -> Limits:
        """What a method may take, where the options leave the seconds to a suite."""
        memory = self.max_memory_mb
        if memory is None:
            memory = self.engine.memory_mb(self.jobs, self.device)
        return Limits(self.timeout_s or timeout_s, memory)


def place_of(corpus: str, recipe: str, options: Options) -> Place:
    """A corpus seen through a recipe, where the options say."""
    store = default_place()
    if isinstance(store, Path):
        store = store.absolute()
    folder = options.folder(corpus)
    if is_path(recipe):
        recipe = str(Path(recipe).absolute())
    card = None
    if corpus in options.brought:
        card = options.card(corpus).model_dump_json(exclude_none=True)
    return Place(corpus, recipe, folder, options.device, store, options.checkpoint, card)


def adopt_for(suite: Suite, checkpoint: Path, card_of: Callable[[str], Card] = load_card) -> str:
    """Keep a trained model in the store, as the original of all runs of a suite.

    Args:
        suite: the grid.
        checkpoint: the model.
        card_of: gives the card of a corpus.

    Returns:
        What it is known by.

    Raises:
        UserError: if it is not a model of the suite's one recipe.
    """
    if len(suite.recipes) > 1:
        raise UserError(
            f"--checkpoint is a model of one recipe, and the suite has {len(suite.recipes)}. "
            "Name it: --recipe NAME."
        )
    recipe, store = load_recipe(suite.recipes[0]), store_at(default_place())
    keys = [
        adopt(checkpoint, recipe, len(card_of(corpus).emotions), store)[0]
        for corpus in suite.corpora
    ]
    return keys[0]


Cell = tuple[str, str, str]
"""Corpus, recipe and scenario: what one table is about."""


def cells(suite: Suite) -> list[Cell]:
    """What a suite has a table of each; a sequence counts as its single requests, each once.

    Raises:
        UserError: if a scenario is wrong.
    """
    found = (
        (corpus, recipe, single)
        for corpus, recipe in itertools.product(suite.corpora, suite.recipes)
        for scenario in suite.scenarios_of(corpus)
        for single in requests(take(scenario, store_at(default_place())))
    )
    return list(dict.fromkeys(found))


def rows(suite: Suite, overrides: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """The rows of a suite's tables, with all their parameters.

    Args:
        suite: the grid.
        overrides: parameters as text, by method and field.

    Raises:
        UserError: if a method or a parameter is wrong.
    """
    return resolve_all(suite.methods or None, overrides)


def grid(
    suite: Suite,
    rows: Sequence[Row],
    options: Options,
    further: Mapping[Cell, Sequence[Row]],
) -> Iterator[Unlearning]:
    """Every job of a suite.

    Args:
        suite: the grid.
        rows: of every table.
        options: where and how.
        further: rows of single tables.
    """
    origin = provenance(options.device)
    limits = options.limits(suite.timeout_s)
    for corpus, recipe, scenario in cells(suite):
        place = place_of(corpus, recipe, options)
        family = load_recipe(recipe).layout.family
        every = [*rows, *further.get((corpus, recipe, scenario), ())]
        seeds = [
            Seeds(model=run, forget=run, method=method)
            for run, method in itertools.product(range(suite.runs), range(suite.method_seeds))
        ]
        for each, row in itertools.product(seeds, [row.under(family) for row in every]):
            yield Unlearning(
                place,
                scenario,
                row,
                each,
                limits,
                origin,
                options.results,
                suite.attacks,
                suite.durability,
                suite.references,
            )


def has_record(job: Unlearning) -> bool:
    """Whether the results folder holds a finished record of exactly this job."""
    path = job.record_path
    return path.exists() and job.is_done_by(read_claim(job.results, path))


def trainings(unlearnings: list[Unlearning]) -> list[Training | ShadowTraining]:
    """The models that the store lacks, in the order of `models`."""
    return [job for job in models(unlearnings) if not job.is_done()]


def models(unlearnings: list[Unlearning]) -> list[Training | ShadowTraining]:
    """The trainings of all models that jobs need, each once.

    Originals come first, for more waits on them.
    """
    # Many methods answer one request, and want the same models.
    asked = dict.fromkeys((*request_of(job), job.references) for job in unlearnings)
    originals = [Training(place, model) for place, model, *_ in asked]
    retrained = [
        Training(place, model, scenario, forget) for place, model, scenario, forget, _ in asked
    ]
    references = [
        Training(place, model, scenario, forget, number)
        for place, model, scenario, forget, count in asked
        for number in range(count)
    ]
    attacked = dict.fromkeys(job.place for job in unlearnings if job.attacks != "simple")
    shadow_models = [ShadowTraining(place, number) for place in attacked for number in range(COUNT)]
    wanted: list[Training | ShadowTraining] = [*originals, *retrained, *references, *shadow_models]
    return list(dict.fromkeys(wanted))


def order(
    trainings: list[Training | ShadowTraining], unlearnings: list[Unlearning], results: Path
) -> list[tuple[Job[Record | None], float]]:
    """Put jobs in the order in which workers take them, each with its weight.

    Trainings come first, for they are longest and the rest waits on them; then, cell by cell in
    the same order, methods, the longest first, on shadow models before the one that is audited. A
    job whose models are still in the making waits.
    """
    shares = _shares_of_training(unlearnings, results)
    requested: dict[tuple[Place, int, str, int], list[tuple[Unlearning, float]]] = {}
    for job in unlearnings:
        weight = shares.get(job.row.label, UNKNOWN_WEIGHT)
        requested.setdefault(request_of(job), []).append((job, weight))
    ordered: list[tuple[Job[Record | None], float]] = [(job, 1.0) for job in trainings]
    for weighed in requested.values():
        weighed.sort(key=lambda pair: -pair[1])
        ordered += [(each, weight) for job, weight in weighed for each in job.shadow_unlearnings()]
        ordered += weighed
    return ordered


def request_of(job: Unlearning) -> tuple[Place, int, str, int]:
    """What the methods that share an original and a retrained model have in common."""
    return job.place, job.seeds.model, job.scenario, job.seeds.forget


def _shares_of_training(unlearnings: list[Unlearning], results: Path) -> dict[str, float]:
    """How long each row took of a training, the median over some earlier records of each table."""
    shares: dict[str, list[float]] = {}
    for place, label in dict.fromkeys((job.place, job.row.label) for job in unlearnings):
        for folder in (results / place.corpus / place.recogniser).glob(f"*/{glob.escape(label)}"):
            for path in sorted(folder.glob("*.json"))[:ENOUGH]:
                speedup = read_record(results, path).metrics.get("speedup")
                if speedup:
                    shares.setdefault(label, []).append(1 / speedup)
    return {label: statistics.median(values) for label, values in shares.items()}
