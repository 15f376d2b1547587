"""Options that several commands share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ser_unlearn.errors import UserError
from ser_unlearn.evaluation.distance import FEWEST
from ser_unlearn.evaluation.prices import PRICES
from ser_unlearn.unlearning.request import MOST_REFERENCES

F = TypeVar("F", bound=Callable[..., Any])

device = click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True
)


results = click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder of the records.",
)


def page(default: str) -> Callable[[F], F]:
    """`--page`, for a command that writes one file."""
    return click.option(
        "--page",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path(default),
        show_default=True,
        help="The file to write.",
    )


def parameters(settings: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """What `--set` says, by method and field.

    Raises:
        UserError: if it is written in another way.
    """
    found: dict[str, dict[str, str]] = {}
    for setting in settings:
        target, equals, value = setting.partition("=")
        method, dot, field = target.partition(".")
        if not (equals and dot and method and field):
            raise UserError(f"--set {setting}: write it as METHOD.FIELD=VALUE.")
        found.setdefault(method, {})[field] = value
    return found


data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the recordings, or with one folder a corpus.",
)


jobs = click.option(
    "--jobs", type=click.IntRange(1), help="Workers side by side; one a core if left out."
)


engine = click.option(
    "--engine",
    default="local",
    show_default=True,
    help="Where jobs are done: local, dask, or a backend of joblib, such as ray or spark.",
)


scheduler = click.option(
    "--scheduler", metavar="ADDRESS", help="Of Dask's scheduler: tcp://host:8786."
)


timeout = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="What a method may take; what the suite says if left out.",
)
max_memory = click.option(
    "--max-memory",
    "max_memory_mb",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MB",
    help="What a method may hold; the machine's memory over the workers if left out.",
)
attacks = click.option(
    "--attacks",
    type=click.Choice(list(PRICES)),
    help="The dearest membership attacks to run.",
)


durability = click.option(
    "--durability",
    is_flag=True,
    help="See what is left of forgetting once a model is compressed, or trained on.",
)


references = click.option(
    "--references",
    type=click.IntRange(FEWEST, MOST_REFERENCES),
    metavar="N",
    help="How many models are retrained for each request, to compare with.",
)


corpora = click.option("--corpus", "corpora", multiple=True, help="Only these corpora.")


emotion_column = click.option(
    "--emotion-column",
    metavar="NAME",
    help="Of a corpus that is a folder without a card: the column with emotions.",
)
speaker_column = click.option(
    "--speaker-column", metavar="NAME", help="Of the same: the column with speakers."
)


recipes = click.option("--recipe", "recipes", multiple=True, help="Only these recipes.")


scenarios = click.option("--scenario", "scenarios", multiple=True, help="Only these scenarios.")


methods = click.option("--method", "methods", multiple=True, help="Only these rows.")


wide = click.option(
    "--wide", is_flag=True, help="All columns, however wide the terminal (terminal alone)."
)


def width(wide: bool) -> int | None:
    """The characters of the terminal's lines; None for as many as all columns take."""
    return None if wide else shutil.get_terminal_size().columns
