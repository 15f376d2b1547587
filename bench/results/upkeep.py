"""Looking after the store: what is there, whether it is whole, and what may go.

Only files that have an artefact's name in an artefact's folder are looked at, or touched: whatever
else lies in the store's folder is left alone.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_unlearn.results.artefacts import (
    DESCRIPTION,
    TABLE,
    TENSORS,
    DamageError,
    check_files,
    describe,
    discard,
)
from ser_unlearn.results.files import remove
from ser_unlearn.results.locks import acquire
from ser_unlearn.results.revisions import REVISIONS
from ser_unlearn.results.store import Store

IN_THE_MAKING_S = 3600.0
"""Nothing younger is removed (seconds): it may be in the making, on whatever machine."""

UNPACKING = ".unpacking-"
"""How the names of folders begin in which parcels are unpacked."""

LOCK = ".lock"

_NAME = re.compile(r"(?P<key>[0-9a-f]{32})\.(?:json|safetensors|parquet|lock)")
_TEMPORARY = re.compile(rf"\.{_NAME.pattern}\.\w+\.tmp")


@dataclass(frozen=True)
class Entry:
    """What the store's folder has of one key."""

    kind: str
    path: Path
    """The artefact's description; it may be missing."""
    files: tuple[Path, ...]
    """All that there is: of the artefact, temporary files, the lock."""

    @property
    def is_artefact(self) -> bool:
        """Whether there is an artefact, whole or damaged."""
        return self.path in self.files

    @property
    def data(self) -> list[Path]:
        """The artefact's files, or what is left of them."""
        return [path for path in self.files if path.suffix in (DESCRIPTION, TENSORS, TABLE)]


@dataclass(frozen=True)
class Count:
    """What there is of one kind."""

    kind: str
    artefacts: int
    size: int
    """Bytes of all files."""
    newest: float | None
    """When the newest artefact was written: seconds since 1970."""


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be."""

    path: Path
    why: str
    size: int
    """Bytes."""


def entries(store: Store) -> Iterator[Entry]:
    """What the store's folder has, key by key, in the order of their paths."""
    for folder in sorted(store.root.glob("*/*/")):
        if not re.fullmatch("[0-9a-f]{2}", folder.name):
            continue
        found: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()):
            named = _NAME.fullmatch(path.name) or _TEMPORARY.fullmatch(path.name)
            if named and named["key"].startswith(folder.name):
                found.setdefault(named["key"], []).append(path)
        for key, files in found.items():
            yield Entry(folder.parent.name, folder / f"{key}{DESCRIPTION}", tuple(files))


def counts(store: Store) -> list[Count]:
    """What there is of each kind, in the order of their names."""
    found: dict[str, list[Entry]] = {}
    for entry in entries(store):
        found.setdefault(entry.kind, []).append(entry)
    return [
        Count(
            kind,
            sum(entry.is_artefact for entry in each),
            sum(_size(path) for entry in each for path in entry.files),
            max((_time(entry.path) for entry in each if entry.is_artefact), default=None),
        )
        for kind, each in found.items()
    ]


def damaged(store: Store) -> Iterator[tuple[Path, str]]:
    """Check every artefact: the description of each that is damaged, and what is wrong with it."""
    for entry in entries(store):
        if entry.is_artefact and (fault := _fault(entry)):
            # It may have been in the making just now.
            release = acquire(entry.path.with_suffix(LOCK), wait=False)
            if release is not None:
                fault = _fault(entry) if os.path.lexists(entry.path) else None
                release()
                if fault:
                    yield entry.path, fault


def prune(store: Store, current: Mapping[str, Any], *, dry_run: bool) -> Iterator[Removed]:
    """Remove what no run of today's code can ask for, and what runs left behind.

    An artefact is kept if every revision in its identity is today's (`REVISIONS`), and so is all
    that `current` names. Temporary files, data without a description, and locks that nobody holds
    go too; what may be in the making does not.

    Args:
        store: the store.
        current: what identities must say today, by the names under which they say it: "packages"
            and "synthesis".
        dry_run: whether to leave everything, and only say what would be removed.
    """
    for entry in entries(store):
        yield from _prune_entry(entry, current, dry_run=dry_run)
    for folder in sorted(store.root.glob(f"{UNPACKING}*/")):
        inside = list(folder.rglob("*"))
        if all(_is_old(path) for path in (folder, *inside)):
            size = sum(_size(path) for path in inside)
            if not dry_run:
                remove(folder)
            yield Removed(folder, "left behind", size)


def _prune_entry(entry: Entry, current: Mapping[str, Any], *, dry_run: bool) -> Iterator[Removed]:
    lock = entry.path.with_suffix(LOCK)
    if not all(_is_old(path) for path in entry.files if path != lock):
        return
    stray = [path for path in entry.files if path not in (*entry.data, lock)]
    why = _useless(entry, current)
    if not (why or stray or lock in entry.files):
        return
    if dry_run and lock not in entry.files:
        release = None
    else:
        release = acquire(lock, wait=False)
        if release is None:
            return
    try:
        # Whoever held the lock until now may have put a new artefact.
        if not all(_is_old(path) for path in entry.data):
            return
        if why:
            size = sum(_size(path) for path in entry.data)
            if not dry_run:
                discard(entry.path)
            yield Removed(entry.path, why, size)
        for path in stray:
            size = _size(path)
            if not dry_run:
                remove(path)
            yield Removed(path, "left behind", size)
        if lock in entry.files and _is_old(lock):
            yield Removed(lock, "left behind", _size(lock))
        if not dry_run and (lock not in entry.files or _is_old(lock)):
            # While it is held: whoever waits for it sees that it is gone, and makes a new one.
            # Windows removes it itself when it is given back.
            with suppress(PermissionError):
                lock.unlink(missing_ok=True)
    finally:
        if release is not None:
            release()


def _useless(entry: Entry, current: Mapping[str, Any]) -> str | None:
    """Why no run of today's code can ask for what is there; None if one can, or nothing is."""
    if not entry.is_artefact:
        return "left behind" if entry.data else None
    try:
        return _outdated(describe(entry.path, entry.kind).identity, current)
    except DamageError as error:
        return f"damaged: {error}"


def _outdated(identity: Mapping[str, Any], current: Mapping[str, Any]) -> str | None:
    """What an identity says that is not so today; the identities within it count too."""
    for name, said in identity.items():
        if name == "revisions":
            for stage, number in said.items():
                now = REVISIONS[stage].number if stage in REVISIONS else None
                if number != now:
                    return f"made by {stage} {number}, now {now or 'gone'}"
        elif name in current:
            if said != current[name]:
                return f"made with other {name}: {_difference(said, current[name])}"
        elif isinstance(said, dict) and (found := _outdated(said, current)):
            return found
    return None


def _difference(said: Any, now: Any) -> str:
    if not isinstance(said, dict):
        return str(said)
    return ", ".join(f"{name} {value}" for name, value in said.items() if now.get(name) != value)


def _fault(entry: Entry) -> str | None:
    try:
        check_files(entry.path, describe(entry.path, entry.kind))
    except DamageError as error:
        return str(error)
    return None


def _is_old(path: Path) -> bool:
    """Whether a file is older than what may be in the making; one that is gone is."""
    return time.time() - _time(path) > IN_THE_MAKING_S


def _time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
