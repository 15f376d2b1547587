"""The store: everything expensive is computed once, by whoever comes first.

An artefact is a set of named tensors, a table or both, and a JSON description. Its key is a hash
of all that determines it. `ser_unlearn.results.artefacts` says what the files look like.
"""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from ser_unlearn.errors import StoreError
from ser_unlearn.results.artefacts import (
    DESCRIPTION,
    Artefact,
    DamageError,
    discard,
    encode,
    read,
)
from ser_unlearn.results.files import disk_errors, remove, write_bytes, write_text
from ser_unlearn.results.identity import digest
from ser_unlearn.results.locks import acquire

__all__ = ["Artefact", "DamagedArtefactWarning", "Store", "default_root"]


MARK = "store.id"
"""The file in a store by which another machine knows that it sees the same."""


class DamagedArtefactWarning(UserWarning):
    """An artefact was not what was written; it is thrown away and made again."""


def default_place() -> str | Path:
    """The URL that SER_UNLEARN_CACHE names, or the folder, or the platform's cache folder."""
    named = os.environ.get("SER_UNLEARN_CACHE") or user_cache_dir("ser-unlearn")
    return named if is_url(named) else Path(named)


def default_root() -> Path:
    """The folder of the store on this machine."""
    place = default_place()
    return root_of(place) if isinstance(place, str) else place


def is_url(place: str) -> bool:
    """Whether a store is at a URL (`ser_unlearn.results.mirror`), and not in a folder."""
    return "://" in place


def root_of(url: str) -> Path:
    """The folder on this machine for what is read from a store at a URL."""
    return Path(user_cache_dir("ser-unlearn"), "mirrors", digest({"url": url}))


class Store:
    """Artefacts on disk, shared by processes.

    Args:
        root: the store's folder; by default the one that `default_root` names.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()

    def fetch(
        self, kind: str, identity: Mapping[str, Any], make: Callable[[], Artefact]
    ) -> Artefact:
        """Return the artefact of this identity; `make` it if it is not there.

        Of several processes that ask at once, one makes it and the others wait. Tensors are mapped
        into memory, not read: processes share their pages, and must not write to them.

        Args:
            kind: a folder of the store, such as "features".
            identity: all that determines the artefact, JSON-like.
            make: computes the artefact. What it raises comes out as it is.

        Raises:
            StoreError: if the disk fails.
        """
        found = self._read(kind, identity, locked=False)
        if found is not None:
            return found
        with self._alone(self.path(kind, identity)):
            found = self._read(kind, identity, locked=True)
            if found is None:
                made = make()
                self.put(kind, identity, made)
                # Where there are no locks another process may be putting its own just now.
                found = self._read(kind, identity, locked=False) or dataclasses.replace(
                    made, meta=json.loads(json.dumps(dict(made.meta)))
                )
        return found

    def has(self, kind: str, identity: Mapping[str, Any]) -> bool:
        """Whether the artefact seems to be there; its checksums are not looked at."""
        with self.disk_errors("read"):
            return self.path(kind, identity).is_file()

    def put(self, kind: str, identity: Mapping[str, Any], artefact: Artefact) -> None:
        """Write an artefact; one that is there already is replaced.

        Raises:
            StoreError: if the disk fails; then nothing of the artefact is left.
        """
        path = self.path(kind, identity)
        files = encode(kind, identity, artefact)
        try:
            with self.disk_errors("written"):
                for suffix, data in files.items():
                    target = path.with_suffix(suffix)
                    # A file takes the place of another, but not of a folder.
                    if target.is_dir():
                        remove(target)
                    write_bytes(target, data)
        except StoreError:
            with suppress(OSError):
                discard(path)
            raise

    def keep(self, path: Path) -> None:
        """Keep a file that was written below the store's folder, if there is one."""

    def mark(self) -> str:
        """What tells this store from all others; it is made when it is first asked for.

        Raises:
            StoreError: if the disk fails.
        """
        path = self.root / MARK
        with self.disk_errors("written"):
            if not path.exists():
                write_text(path, uuid.uuid4().hex)
            return path.read_text(encoding="utf-8")

    def has_mark(self, mark: str) -> bool:
        """Whether this is the store of that mark, perhaps seen from another machine."""
        try:
            return (self.root / MARK).read_text(encoding="utf-8") == mark
        except (OSError, UnicodeDecodeError):
            return False

    def path(self, kind: str, identity: Mapping[str, Any]) -> Path:
        """Where the description of an artefact lies, or would."""
        key = digest(identity)
        return self.root / kind / key[:2] / f"{key}{DESCRIPTION}"

    def disk_errors(self, failing: str) -> AbstractContextManager[None]:
        """Raise what the operating system refuses as a StoreError.

        Args:
            failing: what cannot be done to the store: "read" or "written".
        """
        return disk_errors(
            lambda reason: StoreError(
                f"The store in {self.root} cannot be {failing}: {reason}. "
                "Free space, or name another folder in SER_UNLEARN_CACHE."
            )
        )

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        """Let no other process make an artefact meanwhile."""
        with self.disk_errors("written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            release = acquire(path.with_suffix(".lock"))
        assert release is not None
        try:
            yield
        finally:
            with self.disk_errors("written"):
                release()

    def _read(self, kind: str, identity: Mapping[str, Any], *, locked: bool) -> Artefact | None:
        path = self.path(kind, identity)
        # A link to nowhere is there.
        if not os.path.lexists(path):
            return None
        try:
            with self.disk_errors("read"):
                return read(path, kind)
        except DamageError as error:
            # Without the lock, another process may have made it again by now.
            if not locked:
                return None
            warnings.warn(
                f"The artefact {path} is damaged ({error}); it is made again.",
                DamagedArtefactWarning,
                stacklevel=3,
            )
        with self.disk_errors("written"):
            discard(path)
        return None
