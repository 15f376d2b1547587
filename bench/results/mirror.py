"""A store at a URL: what fsspec reaches, with a folder on this machine for what was read from it.

Artefacts are read, checked and mapped in the folder, as in any store; what the folder lacks is
copied from the URL, and what is made is copied there. A file appears at the URL whole: it is
written under another name and moved. There are no locks: two machines may make the same artefact
at once, which costs the work, and the later takes the place of the earlier.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ser_unlearn.errors import StoreError, UserError, one_line
from ser_unlearn.results.artefacts import DESCRIPTION, TABLE, TENSORS, Artefact
from ser_unlearn.results.files import write_bytes
from ser_unlearn.results.folders import check_folder
from ser_unlearn.results.names import shown
from ser_unlearn.results.store import MARK, Store, default_place, default_root, is_url, root_of


def store_at(place: str | Path) -> Store:
    """The store in a folder, or at a URL.

    Raises:
        UserError: if the URL cannot be used.
    """
    if isinstance(place, str) and is_url(place):
        return Mirror(place)
    return Store(Path(place))


def check_store() -> None:
    """Refuse a store in which nothing can be made.

    Raises:
        UserError: if its folder cannot be written, or its URL cannot be reached.
    """
    check_folder(default_root(), "SER_UNLEARN_CACHE")
    place = default_place()
    if isinstance(place, str):
        try:
            Mirror(place).mark()
        except StoreError as error:
            raise UserError(str(error)) from error


class Mirror(Store):
    """Artefacts at a URL, shared by machines.

    Args:
        url: as fsspec has it, such as "s3://bucket/folder".
        root: the folder of what was read; by default one in the platform's cache folder.

    Raises:
        UserError: if fsspec does not know the URL, or lacks a package for it.
    """

    def __init__(self, url: str, root: Path | None = None) -> None:
        super().__init__(root or root_of(url))
        self.url = url
        import fsspec

        try:
            self._system, self._folder = fsspec.core.url_to_fs(url)
        # A package may be missing, or whatever the storage wants to be told.
        except Exception as error:
            raise UserError(
                f"SER_UNLEARN_CACHE: {shown(url, 200)} cannot be used "
                f"({shown(one_line(str(error)), 200)}). Install what it needs, or name a folder."
            ) from error

    def fetch(
        self, kind: str, identity: Mapping[str, Any], make: Callable[[], Artefact]
    ) -> Artefact:
        """Return the artefact of this identity, as a store does."""
        path = self.path(kind, identity)
        if not super().has(kind, identity):
            self._bring(path)
        elif not self._there(path):
            self._share(path)
        return super().fetch(kind, identity, make)

    def has(self, kind: str, identity: Mapping[str, Any]) -> bool:
        """Whether the artefact seems to be there; its checksums are not looked at."""
        return super().has(kind, identity) or self._there(self.path(kind, identity))

    def put(self, kind: str, identity: Mapping[str, Any], artefact: Artefact) -> None:
        """Write an artefact; one that is there already is replaced."""
        super().put(kind, identity, artefact)
        self._share(self.path(kind, identity))

    def keep(self, path: Path) -> None:
        """Keep a file that was written below the folder; none is written if there is none."""
        if path.exists():
            self._upload(path)

    def mark(self) -> str:
        """What tells this store from all others; it is made when it is first asked for."""
        path = self.root / MARK
        found = self._read_there(path)
        if found is None:
            with self.disk_errors("written"):
                write_bytes(path, uuid.uuid4().hex.encode())
            self._upload(path)
            found = self._read_there(path)
        return (found or b"").decode("utf-8", "replace")

    def has_mark(self, mark: str) -> bool:
        """Whether this is the store of that mark, perhaps seen from another machine."""
        found = self._read_there(self.root / MARK)
        return found is not None and found == mark.encode()

    def _bring(self, path: Path) -> None:
        """Copy an artefact into the folder, if it is there; its description last."""
        if not self._there(path):
            return
        for suffix in (TENSORS, TABLE, DESCRIPTION):
            target = path.with_suffix(suffix)
            data = self._read_there(target)
            if data is not None:
                with self.disk_errors("written"):
                    write_bytes(target, data)

    def _share(self, path: Path) -> None:
        """Copy an artefact to the URL; its description last, without which it is none."""
        for suffix in (TENSORS, TABLE, DESCRIPTION):
            if path.with_suffix(suffix).is_file():
                self._upload(path.with_suffix(suffix))

    def _there(self, path: Path) -> bool:
        with self._errors("read"):
            return bool(self._system.exists(self._name(path)))

    def _read_there(self, path: Path) -> bytes | None:
        with self._errors("read"), suppress(FileNotFoundError):
            data: bytes = self._system.cat_file(self._name(path))
            return data
        return None

    def _upload(self, path: Path) -> None:
        with self._errors("written"):
            target = self._name(path)
            folder, _, name = target.rpartition("/")
            self._system.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/.{name}.{uuid.uuid4().hex}.tmp"
            self._system.pipe_file(temporary, path.read_bytes())
            self._system.mv(temporary, target)

    def _name(self, path: Path) -> str:
        """What a file of the folder is called at the URL."""
        return f"{self._folder.rstrip('/')}/{path.relative_to(self.root).as_posix()}"

    @contextmanager
    def _errors(self, failing: str) -> Iterator[None]:
        try:
            yield
        # Each kind of storage has errors of its own.
        except Exception as error:
            raise StoreError(
                f"The store at {self.url} cannot be {failing}: {one_line(str(error))}. "
                "Mend that, or name another place in SER_UNLEARN_CACHE."
            ) from error
