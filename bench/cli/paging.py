"""`report`: the page and the figures of the records."""

from __future__ import annotations

from pathlib import Path

import click

from ser_unlearn.cli import options
from ser_unlearn.errors import UserError


@click.command()
@options.results
@options.page("report.html")
@click.option(
    "--figures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write each plot as SVG and PDF, for a paper, into this folder.",
)
def report(results: Path, page: Path, figures: Path | None) -> None:
    """Make a page of the records, which needs no network: one file to open in a browser."""
    from ser_unlearn.report.figures import write_figures
    from ser_unlearn.report.page.assemble import make_page
    from ser_unlearn.results.files import write_text
    from ser_unlearn.results.folders import check_folder
    from ser_unlearn.results.records import read_records

    if not any(read_records(results)):
        raise UserError(f"There is no record in {results}. Run something first: ser-unlearn run.")
    check_folder(page.parent, "--page")
    if figures is not None:
        check_folder(figures, "--figures")
    write_text(page, make_page(read_records(results)))
    click.echo(f"Wrote {page}.")
    if figures is not None:
        written = write_figures(results, figures)
        click.echo(f"Wrote {len(written)} files to {figures}.")
