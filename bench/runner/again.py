"""The job that a record came from, put together again: what it left is looked for in the store."""

from __future__ import annotations

import shlex
from dataclasses import replace

from ser_unlearn.data.cards import card_names
from ser_unlearn.errors import LackingError
from ser_unlearn.results.records import Record
from ser_unlearn.runner.drawn import can_draw
from ser_unlearn.runner.grid import Options, place_of
from ser_unlearn.runner.suite import TIMEOUT_S
from ser_unlearn.runner.unlearnings import Unlearning
from ser_unlearn.unlearning.registry import Row, list_methods


def job_of(record: Record, options: Options, recipe: str) -> Unlearning | None:
    """The job of a record; None if it is not done, or its method or corpus is not known here.

    Args:
        record: what it made.
        options: where the recordings and the results are.
        recipe: the record's: its name, or the path of its file.
    """
    known = list_methods()
    has_card = record.corpus in options.brought or record.corpus in card_names()
    if record.status != "done" or record.method not in known or not has_card:
        return None
    row = Row(
        record.label,
        record.method,
        frozenset(record.needs),
        record.reference,
        record.parameters,
        known[record.method].code,
        record.tuned,
    )
    return Unlearning(
        place_of(record.corpus, recipe, replace(options, checkpoint=record.checkpoint)),
        record.scenario,
        row,
        record.seeds,
        # Of methods on shadow models, which the dearest attacks run.
        limits=options.limits(TIMEOUT_S),
        provenance=record.provenance,
        results=options.results,
        earlier=record,
    )


def is_answered(job: Unlearning) -> bool:
    """Whether the store has what a job's method left behind, and what it answered."""
    try:
        return can_draw(job) and job.has_answer(job.request)
    except LackingError:
        return False


def command_of(record: Record, options: Options) -> str:
    """The command that makes a record again, in another results folder."""
    method, _, settings = record.label.partition("[")
    words = ["--corpus", record.corpus, "--recipe", record.recipe, "--scenario", record.scenario]
    words += ["--method", method]
    for setting in settings.removesuffix("]").split(",") if settings else ():
        words += ["--set", f"{record.method}.{setting}"]
    words += ["--runs", str(record.seeds.model + 1), "--references", str(record.references)]
    if record.seeds.method:
        words += ["--method-seeds", str(record.seeds.method + 1)]
    if record.checkpoint:
        words += ["--checkpoint", "PATH"]
    if options.data_dir is not None:
        words += ["--data-dir", str(options.data_dir)]
    return shlex.join(["ser-unlearn", "run", *words, "--results", "again"])
