"""Demands: what a worker must have in common with whoever sends it jobs.

A record names the code, packages and revisions of the process that asked for it, and the store is
where the answers to one job meet the next. So a worker that has others is refused.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ser_unlearn.data.cards import CARDS
from ser_unlearn.errors import UserError
from ser_unlearn.plugins import Group, plugins
from ser_unlearn.results.mirror import store_at
from ser_unlearn.results.provenance import PACKAGES
from ser_unlearn.unlearning.sources import METHODS

PACKAGE = Path(__file__).resolve().parents[1]

MOST_NAMED = 3
"""Of the files that differ."""


@dataclass(frozen=True)
class Demands:
    """What a process has, in a form that can be sent to another."""

    versions: tuple[tuple[str, str], ...]
    """Of Python and of packages."""
    code: tuple[tuple[str, str], ...]
    """Every file of the harness, the methods, the recipes and the cards, with a hash of it; also of
    those that installed packages bring."""
    store: str | Path
    mark: str
    """The store's."""
    data_dir: Path | None
    device: str

    @staticmethod
    def of(store: str | Path, data_dir: Path | None, device: str) -> Demands:
        """What this process has.

        Args:
            store: the URL or the folder of the store.
            data_dir: the folder with the recordings, if they come from one.
            device: "cpu" or "cuda"; this process need not have it.
        """
        place = store if isinstance(store, str) else store.absolute()
        return Demands(
            _versions(),
            _code(),
            place,
            store_at(place).mark(),
            None if data_dir is None else data_dir.resolve(),
            device,
        )

    def fault(self) -> str | None:
        """What this process lacks, and what to do; None once it has met them."""
        if self not in _met:
            found = self._fault()
            if found is not None:
                return found
            _met.add(self)
        return None

    def _fault(self) -> str | None:
        others = [
            f"its {name} is {theirs}, not {ours}"
            for name, (ours, theirs) in _differences(self.versions, _versions()).items()
        ]
        files = sorted(_differences(self.code, _code()))
        if files:
            more = f" and {len(files) - MOST_NAMED} more" if len(files) > MOST_NAMED else ""
            others.append(f"its code is another in {', '.join(files[:MOST_NAMED])}{more}")
        if others:
            return f"{', '.join(others)}. Install the same there, and start it again."
        if not store_at(self.store).has_mark(self.mark):
            return (
                f"it does not see the store {self.store}. "
                "Name a folder or a URL in SER_UNLEARN_CACHE that all machines share."
            )
        if self.data_dir is not None and not self.data_dir.is_dir():
            return (
                f"it does not see the recordings in {self.data_dir}. "
                "Give --data-dir a folder that all machines share."
            )
        if self.device == "cuda":
            import torch

            if not torch.cuda.is_available():
                return "torch finds no GPU there. Mend that, or use --device cpu."
        return None


_met: set[Demands] = set()
"""Those that this process has met."""


def refusal(worker: str, fault: str) -> UserError:
    """The error for a worker that cannot be used; `fault` says why, and what to do."""
    return UserError(f"The worker {worker} is refused: {fault}")


def _differences(
    ours: tuple[tuple[str, str], ...], theirs: tuple[tuple[str, str], ...]
) -> Mapping[str, tuple[str, str]]:
    """What has two values, by its name."""
    here, there = dict(ours), dict(theirs)
    return {
        name: (here.get(name, "missing"), there.get(name, "missing"))
        for name in {**here, **there}
        if here.get(name) != there.get(name)
    }


def _versions() -> tuple[tuple[str, str], ...]:
    packages = [(name, version(name)) for name in ("ser-unlearn", *PACKAGES)]
    return (("Python", platform.python_version()), *packages)


@cache
def _code() -> tuple[tuple[str, str], ...]:
    found = {}
    for prefix, folder in (("", PACKAGE), ("methods", METHODS), ("datasets", CARDS)):
        for path in folder.rglob("*"):
            name = Path(prefix, path.relative_to(folder)).as_posix()
            # A wheel has methods and cards inside the package, and a checkout beside it.
            inside = not prefix and name.startswith(("methods/", "cards/"))
            if path.suffix in (".py", ".yaml") and not inside:
                found[name] = _hash(path)
    groups: tuple[Group, ...] = ("methods", "corpora", "recipes")
    for group in groups:
        for brought in plugins(group).values():
            found[f"{group}/{brought.path.name}"] = _hash(brought.path)
    return tuple(sorted(found.items()))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
