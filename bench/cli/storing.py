"""`store`: what the store holds, whether it is whole, and models for another machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_unlearn.cli import options
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown

if TYPE_CHECKING:
    from ser_unlearn.results.store import Store


@click.group(invoke_without_command=True)
@click.pass_context
def store(context: click.Context) -> None:
    """Look after the store: the folder that SER_UNLEARN_CACHE names.

    Without a command: what it holds.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_store)


@store.command(name="list")
def list_store() -> None:
    """Say by kind how many artefacts there are, how large, and when the newest was written."""
    from tabulate import tabulate

    from ser_unlearn.results.upkeep import counts

    here = _store()
    with here.disk_errors("read"):
        found = counts(here)
    if not found:
        click.echo(f"The store in {here.root} is empty.")
        return
    lines = [
        [
            each.kind,
            str(each.artefacts),
            _size(each.size),
            "–" if each.newest is None else _date(each.newest),
        ]
        for each in found
    ]
    lines.append(
        [
            "all",
            str(sum(each.artefacts for each in found)),
            _size(sum(each.size for each in found)),
            _date(max(each.newest or 0 for each in found)),
        ]
    )
    click.echo(f"The store in {here.root}:\n")
    click.echo(
        tabulate(
            lines,
            ["kind", "artefacts", "MB", "newest"],
            tablefmt="simple",
            disable_numparse=True,
            colalign=("left", "right", "right", "left"),
        )
    )


@store.command()
def verify() -> None:
    """Check every artefact against its checksums, and name those that are damaged.

    What is damaged is made again when it is asked for. Exits with 1 if anything is.
    """
    from ser_unlearn.results.upkeep import counts, damaged

    here = _store()
    faults = 0
    with here.disk_errors("read"):
        for path, why in damaged(here):
            faults += 1
            click.echo(f"damaged  {path}: {why}")
        artefacts = sum(each.artefacts for each in counts(here))
    if faults:
        click.echo(f"{faults} of {artefacts} artefacts are damaged.")
        raise click.exceptions.Exit(1)
    click.echo(f"All {artefacts} artefacts are whole.")


@store.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would be removed.")
def prune(dry_run: bool) -> None:
    """Remove what no run can ask for any more.

    That is: artefacts that another revision of the harness made, or that were made with other
    versions of packages than are installed; artefacts whose description is damaged; temporary files
    and locks that stopped runs left behind. Nothing younger than an hour is removed.
    """
    from ser_unlearn.data import espeak
    from ser_unlearn.results.identity import numerics
    from ser_unlearn.results.upkeep import prune as pruned

    here = _store()
    current = {"packages": numerics(), "synthesis": espeak.identity()}
    size, count = 0, 0
    with here.disk_errors("written"):
        for each in pruned(here, current, dry_run=dry_run):
            count, size = count + 1, size + each.size
            click.echo(f"{each.path.relative_to(here.root)}: {each.why}")
    done = "Would remove" if dry_run else "Removed"
    click.echo(f"{done} {count} artefacts and files, {_size(size)} MB.")


@store.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--suite", "suites", multiple=True, required=True, help="Whose models; repeatable.")
@options.data_dir
@options.device
def pack(file: Path, suites: tuple[str, ...], data_dir: Path | None, device: str) -> None:
    """Write the trained models of a suite to FILE, for `store unpack` on another machine.

    They are the original, retrained and shadow models: whoever has them need train none to add a
    method. FILE is a tar archive, compressed if its name ends with .gz.
    """
    from ser_unlearn.results.parcels import pack as packed
    from ser_unlearn.runner.grid import Options
    from ser_unlearn.runner.models import models_of

    here = _store()
    where = Options(Path("results"), data_dir, device=device)
    # Suites may share models.
    models = {here.path(*each): each for suite in suites for each in models_of(suite, where)}
    size = packed(here, list(models.values()), file)
    click.echo(f"Wrote {len(models)} models to {file}, {_size(size)} MB.")


@store.command()
@click.argument("file", type=click.Path(path_type=Path))
def unpack(file: Path) -> None:
    """Put the models of FILE, which `store pack` wrote, into the store.

    All are checked against their checksums before any is put in place. That they were trained as
    they say cannot be checked: unpack only what you would trust.
    """
    from ser_unlearn.results.parcels import unpack as unpacked

    here = _store()
    done = unpacked(here, file)
    click.echo(f"Put {done.put} models into the store in {here.root}; {done.there} were there.")


def _store() -> Store:
    """The store, in a folder.

    Raises:
        UserError: if it is at a URL.
    """
    from ser_unlearn.results.store import Store, default_place

    place = default_place()
    if isinstance(place, str):
        raise UserError(
            f"The store is at {shown(place, 200)}, and 'ser-unlearn store' looks after folders. "
            "Name one in SER_UNLEARN_CACHE, or use the tools of that storage."
        )
    return Store(place)


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
