"""`export`: the weights of a record."""

from __future__ import annotations

from pathlib import Path

import click

from ser_unlearn.cli import options


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@options.data_dir
@options.device
def export(record: Path, folder: Path, data_dir: Path | None, device: str) -> None:
    """Write the weights of RECORD's unlearned model to DIR, as a .safetensors file.

    They come from the store; nothing is run. --checkpoint takes the file, with the same recipe.
    """
    from ser_unlearn.runner.exporting import export as do
    from ser_unlearn.runner.grid import Options

    target = do(record, folder, Options(Path("results"), data_dir, device=device))
    click.echo(f"Wrote {target}.")
