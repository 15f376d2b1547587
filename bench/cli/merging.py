"""`merge`: records of several machines in one results folder."""

from __future__ import annotations

from pathlib import Path

import click

from ser_unlearn.cli import options
from ser_unlearn.errors import UserError

SHOWN = 20
"""How many contradictions are printed."""


@click.command()
@click.argument(
    "folders",
    metavar="DIR...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@options.results
def merge(folders: tuple[Path, ...], results: Path) -> None:
    """Bring the records and studies of other results folders together in one.

    Records that are there stay, unless another of the same fingerprint is done where they failed,
    or holds metrics that they lack. If two contradict each other, nothing is written.
    """
    from ser_unlearn.results.merging import Form, carry_out, differences, is_better, plan
    from ser_unlearn.results.records import read_records
    from ser_unlearn.tuning import studies

    records = Form("records", read_records, differences, is_better)
    # Two studies say the same, or contradict each other.
    tuning = Form("studies", studies.read_studies, studies.differences, lambda *_: False)
    plans = {
        records.name: plan(results, folders, records),
        tuning.name: plan(results, folders, tuning),
    }
    contradictions = [line for each in plans.values() for line in each.contradictions]
    if contradictions:
        more = len(contradictions) - SHOWN
        lines = contradictions[:SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise UserError(
            "These contradict each other; nothing was written. Delete one of each pair:\n  "
            + "\n  ".join(lines)
        )
    for name, each in plans.items():
        carry_out(results, each)
        click.echo(
            f"{name}: {len(each.copies) - len(each.replaced)} copied, "
            f"{len(each.replaced)} replaced, {each.kept} left as they were"
        )
