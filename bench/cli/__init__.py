"""The command line, one module a group of commands; what is heavy is imported when it is needed."""

from __future__ import annotations

from typing import IO, Any

import click

from ser_unlearn.cli.checking import check_method
from ser_unlearn.cli.listing import list_command
from ser_unlearn.cli.reporting import leaderboard, table
from ser_unlearn.cli.running import evaluate, run
from ser_unlearn.cli.tuning import tune
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown


class _Group(click.Group):
    """Turns what the user can mend into a message and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise _Refusal(str(error)) from error


class _Refusal(click.ClickException):
    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        # Names and contents of files stand in it.
        lines = [shown(line) for line in self.format_message().splitlines()]
        click.echo("\n".join(["Error: " + lines[0], *lines[1:]]), err=True)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ser-unlearn")
def main() -> None:
    """Compare methods that make a speech emotion recogniser forget recordings."""


for command in (run, tune, table, evaluate, leaderboard, list_command, check_method):
    main.add_command(command)
