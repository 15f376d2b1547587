"""`check-method`: what every method must do."""

from __future__ import annotations

import json
import multiprocessing
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Queue
from threading import Thread

import click

from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.unlearning.descendants import kill_tree
from ser_unlearn.unlearning.server import begin, context


@click.command(name="check-method")
@click.argument("methods", metavar="[NAME|FILE]...", nargs=-1)
def check_method(methods: tuple[str, ...]) -> None:
    """Check methods, by their names or files, for what every method must do.

    Without any, all methods are checked, several at a time. Exits with 1 if a check fails.
    """
    failures = 0
    paths = [_path(each) for each in methods] or _all()
    for label, meaning, fault in _verdicts(paths):
        failures += bool(fault)
        click.echo(f"{'FAILED' if fault else 'passed'}  {label}: {meaning}")
        if fault:
            click.echo(f"        {fault}")
    click.echo(f"{failures} failed" if failures else "All checks passed.")
    if failures:
        raise click.exceptions.Exit(1)


def _path(method: str) -> Path:
    from ser_unlearn.unlearning.registry import list_methods

    path = Path(method)
    if _is_file(path):
        return path
    known = list_methods()
    if method not in known:
        raise unknown_name("method", method, known)
    return known[method].path


def _all() -> list[Path]:
    from ser_unlearn.unlearning.registry import list_methods

    return [info.path for info in list_methods().values()]


Verdict = tuple[str, str, str]
"""A row, what was checked, and what is wrong; an empty string where it passed."""


def _verdicts(paths: list[Path]) -> Iterator[Verdict]:
    """Check methods in processes of their own, side by side."""
    from joblib import cpu_count

    waiting = deque(paths)
    found: Queue[Verdict | Exception | None] = Queue()
    workers = [_Worker(waiting, found) for _ in range(min(cpu_count(), len(paths)))]
    for worker in workers:
        worker.start()
    try:
        working = len(workers)
        while working:
            each = found.get()
            if isinstance(each, Exception):
                raise each
            if each is None:
                working -= 1
            else:
                yield each
    finally:
        waiting.clear()
        for worker in workers:
            worker.stop()


class _Worker(Thread):
    """Has methods checked, one after another, in a process that a method may end.

    Args:
        waiting: files that nobody has taken yet.
        found: takes the verdicts, or an error; and None when there is no more.
    """

    def __init__(self, waiting: deque[Path], found: Queue[Verdict | Exception | None]) -> None:
        super().__init__(daemon=True)
        self._waiting = waiting
        self._found = found
        self._process: BaseProcess | None = None

    def run(self) -> None:
        """Go on until no file is left."""
        try:
            while (path := self._next()) is not None:
                self._check(path)
            self._say_goodbye()
            self.stop()
            self._found.put(None)
        # The command says it, and ends.
        except Exception as error:
            self._found.put(error)

    def _next(self) -> Path | None:
        # Not to ask first whether there is one: another may take it in between.
        with suppress(IndexError):
            return self._waiting.popleft()
        return None

    def _say_goodbye(self) -> None:
        """Let the process end what it started itself."""
        if self._process is not None:
            with suppress(EOFError, OSError):
                self._pipe.send(None)
                self._pipe.recv_bytes()

    def stop(self) -> None:
        """End the process, and with it what a method may have left running."""
        process, self._process = self._process, None
        if process is not None:
            kill_tree(process.pid)
            process.join()

    def _check(self, path: Path) -> None:
        if self._process is None:
            self._pipe, theirs = multiprocessing.Pipe()
            self._process = context().Process(target=_answer, args=(theirs,))
            self._process.start()
            theirs.close()
        process = self._process
        try:
            self._pipe.send(path)
            while "verdict" in (message := json.loads(self._pipe.recv_bytes())):
                self._found.put(tuple(message["verdict"]))
        except (EOFError, OSError):
            # Its own end comes a little after that of the line to it.
            process.join(1)
            ended = f"the process ended with exit status {process.exitcode} while it was checked"
            self._found.put((path.stem, "It lets the checks come to their end.", ended))
            self.stop()
            return
        if "error" in message:
            raise UserError(message["error"])


def _answer(pipe: Connection) -> None:
    """Check one file after another, and send what comes of each check."""
    import torch

    from ser_unlearn.checks.conformance import CHECKS, verdict
    from ser_unlearn.checks.repeats import end_fresh_process
    from ser_unlearn.checks.subjects import subjects

    def send(**message: object) -> None:
        pipe.send_bytes(json.dumps(message).encode())

    begin()
    torch.set_num_threads(1)
    while (path := pipe.recv()) is not None:
        try:
            found = subjects([path])
        except UserError as error:
            send(error=str(error))
            continue
        for subject in found:
            for check, function in CHECKS.items():
                meaning = (function.__doc__ or "").splitlines()[0]
                send(verdict=[subject.label, meaning, verdict(subject, check)])
        send(finished=True)
    end_fresh_process()
    send(finished=True)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    # A name that is too long for one.
    except OSError:
        return False
