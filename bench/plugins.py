"""Plug-ins: methods, cards and recipes of installed packages, found without importing them.

A package names them as entry points. The entry's name is the plug-in's; its value is the module of
a method, and of a card or a recipe the package in whose folder `<name>.yaml` lies:

    [project.entry-points."ser_unlearn.methods"]
    halving = "my_package.halving"
    [project.entry-points."ser_unlearn.corpora"]
    my_corpus = "my_package.cards"
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ser_unlearn.errors import UserError

Group = Literal["methods", "corpora", "recipes"]

SINGULAR = {"methods": "method", "corpora": "corpus", "recipes": "recipe"}


@dataclass(frozen=True)
class Plugin:
    """What an installed package brings."""

    name: str
    module: str
    """Of a method, its own; of a card or a recipe, the package in whose folder it lies."""
    path: Path
    """The file."""


def plugins(group: Group, own: Collection[str] = ()) -> dict[str, Plugin]:
    """What installed packages bring, by its name.

    Args:
        group: of what kind.
        own: names that the project itself has.

    Raises:
        UserError: if a name stands for two things, or there is no such file.
    """
    found = _plugins(group, tuple(sys.path))
    for name in found:
        if name in own:
            raise UserError(
                f"An installed package brings the {SINGULAR[group]} '{name}', which there is "
                f"already. Uninstall the package of {found[name].path}, or rename it there."
            )
    return found


@cache
def _plugins(group: Group, path: tuple[str, ...]) -> dict[str, Plugin]:
    """The same; `path` is where Python looks for packages."""
    found: dict[str, Plugin] = {}
    for entry in entry_points(group=f"ser_unlearn.{group}"):
        plugin = Plugin(entry.name, entry.module, _file(entry, group))
        if found.setdefault(entry.name, plugin) != plugin:
            raise UserError(
                f"Two installed packages bring the {SINGULAR[group]} '{entry.name}': "
                f"{found[entry.name].path} and {plugin.path}. Uninstall one."
            )
    return dict(sorted(found.items()))


def _file(entry: EntryPoint, group: Group) -> Path:
    for place in _places(entry, group):
        if place.is_file():
            return place
    package = entry.dist.name if entry.dist else entry.module
    raise UserError(
        f"The package '{package}' names the {SINGULAR[group]} '{entry.name}' in {entry.module}, "
        "and there is no such file. Mend the package, or uninstall it."
    )


def _places(entry: EntryPoint, group: Group) -> list[Path]:
    """Where the file may lie. To ask Python for more than a package's folder would import it."""
    top, *parts = entry.module.split(".")
    found = find_spec(top)
    if found is None:
        return []
    inside = [Path(each, *parts) for each in found.submodule_search_locations or ()]
    if group != "methods":
        return [folder / f"{entry.name}.yaml" for folder in inside]
    if parts:
        return [path.with_name(f"{path.name}.py") for path in inside]
    return [Path(found.origin)] if found.origin else []
