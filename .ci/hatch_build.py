"""Build hook: the folders `bench` and `methods` become the packages `ser_unlearn` and `.methods`.

A wheel holds them under these names. An editable installation points to `.editable`, where links
give the folders the same names: type checkers and editors follow links, but no import hooks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Links(BuildHookInterface[Any]):
    """Makes the links of an editable installation, and puts the cards into a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the build of `version`, "editable" or "standard"."""
        root = Path(self.root)
        if version == "editable":
            (root / ".editable").mkdir(exist_ok=True)
            link(root / ".editable" / "ser_unlearn", root / "bench")
            link(root / "bench" / "methods", root / "methods")
        else:
            # An installed wheel has no folder beside the package: the cards travel inside it.
            build_data["force_include"]["datasets"] = "ser_unlearn/cards"


def link(place: Path, target: Path) -> None:
    """Let `place` lead to a folder, whatever link stood there before."""
    if os.path.lexists(place):
        if place.is_dir() and place.resolve() == target.resolve():
            return
        place.unlink()
    if os.name == "nt":
        # A junction: to make a symbolic link takes rights that not every user has.
        from _winapi import CreateJunction

        CreateJunction(str(target), str(place))
    else:
        place.symlink_to(os.path.relpath(target, place.parent), target_is_directory=True)
