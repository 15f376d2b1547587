"""`check-method`: what every method must do."""

from __future__ import annotations

from pathlib import Path

import click

from ser_unlearn.errors import unknown_name


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

    import torch

    from ser_unlearn.checks.conformance import CHECKS, verdict
    from ser_unlearn.checks.subjects import subjects

    torch.set_num_threads(1)
    failures = 0
    for subject in subjects([path]):
        for check, function in CHECKS.items():
            fault = verdict(subject, check)
            failures += bool(fault)
            meaning = (function.__doc__ or "").splitlines()[0]
            click.echo(f"{'FAILED' if fault else 'passed'}  {subject.label}: {meaning}")
            if fault:
                click.echo(f"        {fault}")
    click.echo(f"{failures} failed" if failures else "All checks passed.")
    if failures:
        raise click.exceptions.Exit(1)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    # A name that is too long for one.
    except OSError:
        return False
