"""`check-method`: what every method must do."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import click

from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.unlearning.descendants import kill_tree


@click.command(name="check-method")
@click.argument("method", metavar="NAME|FILE")
def check_method(method: str) -> None:
    """Check a method, by its name or its file, for what every method must do.

    Exits with 1 if a check fails.
    """
    from ser_unlearn.unlearning.registry import list_methods

    path = Path(method)
    if not _is_file(path):
        known = list_methods()
        if method not in known:
            raise unknown_name("method", method, known)
        path = known[method].path

    failures = 0
    for label, meaning, fault in _verdicts(path):
        failures += bool(fault)
        click.echo(f"{'FAILED' if fault else 'passed'}  {label}: {meaning}")
        if fault:
            click.echo(f"        {fault}")
    click.echo(f"{failures} failed" if failures else "All checks passed.")
    if failures:
        raise click.exceptions.Exit(1)


Verdict = tuple[str, str, str]
"""A row, what was checked, and what is wrong; an empty string where it passed."""


def _verdicts(path: Path) -> Iterator[Verdict]:
    """Check in a process of its own, which a method may end without an end of the checks."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_check, args=(path, theirs))
    process.start()
    theirs.close()
    finished = False
    try:
        while not finished:
            message = json.loads(ours.recv_bytes())
            if "error" in message:
                raise UserError(message["error"])
            finished = "verdict" not in message
            if not finished:
                yield tuple(message["verdict"])
    except EOFError:
        # Its own end comes a little after that of the line to it.
        process.join(1)
        ended = f"the process ended with exit status {process.exitcode} while it was checked"
        yield path.stem, "It lets the checks come to their end.", ended
    finally:
        # With it goes what a method may have left running.
        kill_tree(process.pid)
        process.join()


def _check(path: Path, pipe: Connection) -> None:
    """Run every check, and send what came of each."""
    import torch

    from ser_unlearn.checks.conformance import CHECKS, verdict
    from ser_unlearn.checks.subjects import subjects

    def send(**message: object) -> None:
        pipe.send_bytes(json.dumps(message).encode())

    torch.set_num_threads(1)
    try:
        found = subjects([path])
    except UserError as error:
        send(error=str(error))
        return
    for subject in found:
        for check, function in CHECKS.items():
            meaning = (function.__doc__ or "").splitlines()[0]
            send(verdict=[subject.label, meaning, verdict(subject, check)])
    send(finished=True)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    # A name that is too long for one.
    except OSError:
        return False
