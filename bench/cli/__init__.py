"""The command line, one module a group of commands; what is heavy is imported when it is needed."""

from __future__ import annotations

from typing import Any

import click

from ser_unlearn.cli.checking import check_method
from ser_unlearn.cli.contributing import new_method, submit_check
from ser_unlearn.cli.corpora import check_corpus
from ser_unlearn.cli.ending import Breakdown, Refusal, Stop, ends_cleanly
from ser_unlearn.cli.exporting import export
from ser_unlearn.cli.forgetting import forget
from ser_unlearn.cli.listing import list_command
from ser_unlearn.cli.merging import merge
from ser_unlearn.cli.paging import report
from ser_unlearn.cli.reporting import leaderboard, table
from ser_unlearn.cli.running import evaluate, run
from ser_unlearn.cli.storing import store
from ser_unlearn.cli.tuning import tune
from ser_unlearn.errors import DiskError, EngineError, UserError


class _Group(click.Group):
    """Ends every command with one line: what the user can mend, what stopped it, or a signal."""

    def invoke(self, ctx: click.Context) -> Any:
        with ends_cleanly():
            try:
                return super().invoke(ctx)
            except UserError as error:
                raise Refusal(str(error)) from error
            except (DiskError, EngineError) as error:
                raise Breakdown(str(error)) from error
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except Exception as error:
                raise Stop(error) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ser-unlearn")
def main() -> None:
    """Compare methods that make a speech emotion recogniser forget recordings."""


for command in (
    *(run, tune, table, evaluate, leaderboard, report, list_command, check_method, check_corpus),
    *(store, merge, forget, export, new_method, submit_check),
):
    main.add_command(command)
