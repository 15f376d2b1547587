"""Workers: jobs side by side in single-threaded processes, shown as they go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

from joblib import cpu_count

from ser_unlearn.runner.progress import Display

Outcome = TypeVar("Outcome")
Made = TypeVar("Made", covariant=True)


class Job(Protocol[Made]):
    """What a worker does; it can be sent to another process."""

    @property
    def title(self) -> str:
        """What the progress display calls it."""

    def execute(self) -> Made:
        """Do it."""


def count_workers(wanted: int | None, device: str, jobs: int) -> int:
    """How many workers to use.

    Args:
        wanted: by the user; None for one a core, and for one alone on a GPU.
        device: "cpu" or "cuda".
        jobs: how many there are at most at a time.
    """
    return min(wanted or (1 if device == "cuda" else cpu_count()), jobs)


def work(
    jobs: Mapping[int, Job[Outcome]],
    workers: int,
    display: Display,
    describe: Callable[[Outcome], str],
) -> dict[int, Outcome]:
    """Do jobs side by side, each by the next worker that is free.

    Args:
        jobs: by their numbers on the display, in the order in which they are taken.
        workers: how many.
        display: where progress is shown.
        describe: says in a few words what came of a job.

    Returns:
        What came of each job, by its number.
    """

    def take() -> Iterator[tuple[int, Job[Outcome]]]:
        for number, job in jobs.items():
            display.started(number, job.title)
            yield number, job

    from ser_unlearn.runner.local import outcomes

    done = {}
    for number, outcome in outcomes(take(), workers):
        display.finished(number, describe(outcome))
        done[number] = outcome
    return done
