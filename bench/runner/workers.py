"""Workers: jobs side by side in single-threaded processes, shown as they go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

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


class Engine(Protocol):
    """Where jobs are done."""

    @property
    def remote(self) -> bool:
        """Whether workers may be on other machines, and have devices of their own."""

    def require(self, store: str | Path, data_dir: Path | None, device: str) -> None:
        """See that there are workers, and that they can do what this process asks of them.

        Args:
            store: the URL or the folder of the store, which they share.
            data_dir: the recordings, which they see too.
            device: on which they train and unlearn.

        Raises:
            UserError: if there is no worker, or one of them cannot.
        """

    def count(self, wanted: int | None, device: str, jobs: int) -> int:
        """How many workers to use.

        Args:
            wanted: by the user; None for as many as are right.
            device: "cpu" or "cuda".
            jobs: how many there are at most at a time.
        """

    def memory_mb(self, wanted: int | None, device: str) -> float | None:
        """Each worker's share of its machine's memory; None where that is not known."""

    def outcomes(
        self, jobs: Iterator[tuple[int, Job[Outcome]]], workers: int
    ) -> Iterable[tuple[int, Outcome]]:
        """Do jobs, and give what comes of each as it ends.

        Args:
            jobs: with their numbers; the next is taken when a worker is free for it.
            workers: how many to use.

        Raises:
            EngineError: if the engine fails.
        """


def work(
    jobs: Mapping[int, Job[Outcome]],
    workers: int,
    display: Display,
    conclude: Callable[[Outcome], str],
    engine: Engine,
) -> dict[int, Outcome]:
    """Do jobs side by side, each by the next worker that is free.

    Args:
        jobs: by their numbers on the display, in the order in which they are taken.
        workers: how many.
        display: where progress is shown.
        conclude: takes what came of a job as soon as it is there, and says it in a few words.
        engine: where they are done.

    Returns:
        What came of each job, by its number.
    """

    def take() -> Iterator[tuple[int, Job[Outcome]]]:
        for number, job in jobs.items():
            display.started(number, job.title)
            yield number, job

    done = {}
    for number, outcome in engine.outcomes(take(), workers):
        display.finished(number, conclude(outcome))
        done[number] = outcome
    return done
