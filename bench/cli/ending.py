"""How a command ends: with a refusal, with a stop, or by a signal; always with one line."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from ser_unlearn.errors import one_line
from ser_unlearn.results.names import shown
from ser_unlearn.results.store import default_root

KEPT = "What is done is kept: run the same command again, and it goes on."


class Refusal(click.ClickException):
    """The user can mend it."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it: names and contents of files may stand in it."""
        lines = [shown(line) for line in self.format_message().splitlines()]
        click.echo("\n".join(["Error: " + lines[0], *lines[1:]]), err=True)


class Breakdown(click.ClickException):
    """The disk failed, or what runs jobs."""

    exit_code = 3

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"Error: {self.format_message()} {KEPT}", err=True)


class Stop(click.ClickException):
    """The harness or the machine failed.

    Args:
        error: what was raised; where it came from goes to a file in the store.
    """

    exit_code = 3

    def __init__(self, error: Exception) -> None:
        super().__init__(f"Stopped by {type(error).__name__}: {one_line(str(error))}. {KEPT}")
        self._error = error

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"Error: {self.format_message()}{self._traced()}", err=True)

    def _traced(self) -> str:
        path = default_root() / "logs" / "traceback.txt"
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(traceback.format_exception(self._error)), encoding="utf-8")
            return f" Where it came from: {path}"
        return ""


@contextmanager
def ends_cleanly() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end this process and all that it started at once, with one line."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {name: signal.signal(name, _end) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _end(number: int, frame: object) -> None:
    from ser_unlearn.unlearning.descendants import kill_children

    # A terminal's cursor is hidden while a display runs.
    shown = "\x1b[?25h\n" if sys.stderr.isatty() else ""
    text = f"{shown}Stopped by {signal.Signals(number).name}. {KEPT}\n"
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
    kill_children(os.getpid())
    # Not by an exception: whatever waits for workers would wait for them to end by themselves.
    os._exit(128 + number)
