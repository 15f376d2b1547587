"""What a person sees while jobs run: what runs, what is done, what is left, how long yet."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Display:
    """A live display on a terminal, plain lines elsewhere.

    Args:
        weights: for each job by its number, how long it takes in any unit; the estimate of the
            time left rests on them.
        workers: how many jobs run side by side.
        console: where to write.
        goal: what can be done when all jobs are, if that is not the end.
    """

    def __init__(
        self, weights: list[float], workers: int, console: Console, goal: str | None = None
    ) -> None:
        self._weights = weights
        self._workers = workers
        self._console = console
        self._goal = goal
        self._running: dict[int, str] = {}
        self._done = 0
        self._done_weight = 0.0
        self._start = time.monotonic()
        self._progress = Progress(
            # Names of rows have brackets, which are no markup.
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bar = self._progress.add_task("jobs", total=len(weights), left="")

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def started(self, job: int, title: str) -> None:
        """A worker took a job."""
        self._running[job] = title
        self._refresh()

    def finished(self, job: int, outcome: str) -> None:
        """A job ended; `outcome` is what to say of it."""
        title = self._running.pop(job)
        self._done += 1
        self._done_weight += self._weights[job]
        left = "" if self._console.is_terminal else f" ({self._left()})"
        self._console.print(
            f"[{self._done}/{len(self._weights)}] {title}: {outcome}{left}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        self._progress.advance(self._bar)
        self._refresh()

    def _left(self) -> str:
        """The time left, from the time that the work done so far took."""
        remaining = sum(self._weights) - self._done_weight
        if remaining <= 0:
            return self._goal or "nothing left"
        elapsed = time.monotonic() - self._start
        seconds = elapsed * remaining / self._done_weight
        minutes, seconds = divmod(round(seconds), 60)
        text = f"about {minutes} min {seconds} s" if minutes else f"about {seconds} s"
        return f"{text} until {self._goal}" if self._goal else f"{text} left"

    def _refresh(self) -> None:
        names = list(self._running.values())[: self._workers]
        self._progress.update(
            self._bar,
            description="; ".join(names) or "jobs",
            left=self._left() if self._done else "",
        )
