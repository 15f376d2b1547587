"""Forget sets that hang on originals, as records say them: to know them, no original is trained."""

from __future__ import annotations

from collections.abc import Iterable

from ser_unlearn.results.identity import digest
from ser_unlearn.results.records import Record, read_record
from ser_unlearn.runner.unlearnings import Unlearning


def learn(jobs: Iterable[Unlearning]) -> None:
    """Let the store know what the records of jobs say was drawn, where it does not.

    Raises:
        UserError: if one of these records is damaged.
    """
    for job in jobs:
        if not _has_drawn(job) and job.record_path.exists():
            learn_from(read_record(job.results, job.record_path), job)


def learn_from(record: Record, job: Unlearning) -> None:
    """The same of one record, which says something if the same original decides it here."""
    if record.drawn is None or _has_drawn(job):
        return
    setup, what = job.place.setup(), _drawn_by(job)
    if record.drawn.key == digest(setup.draw_identity(*what)):
        setup.keep_draw(*what, record.drawn.names)


def can_draw(job: Unlearning) -> bool:
    """Whether a job's forget set is known, or its original is there to draw it."""
    return job.place.setup().can_draw(*_drawn_by(job))


def _has_drawn(job: Unlearning) -> bool:
    return job.place.setup().has_drawn(*_drawn_by(job))


def _drawn_by(job: Unlearning) -> tuple[str, int, int]:
    return job.scenario, job.seeds.forget, job.seeds.model
