"""Parcels: artefacts of the store in one tar file, for another machine.

A parcel holds files as they lie in the store, `<kind>/<2 digits>/<key>.<suffix>`, and nothing else.
All of it is checked before any of it is put in place; nothing in it is executed or unpickled. What
it cannot show is that an artefact was made as its identity says: unpack what you would trust.
"""

from __future__ import annotations

import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ser_unlearn.errors import UserError
from ser_unlearn.results.artefacts import (
    DESCRIPTION,
    DamageError,
    Description,
    check_files,
    describe,
    discard,
)
from ser_unlearn.results.files import write_atomically
from ser_unlearn.results.locks import acquire
from ser_unlearn.results.store import Store
from ser_unlearn.results.upkeep import LOCK, UNPACKING

CHUNK = 2**20
"""Bytes that are copied at a time."""

_MEMBER = re.compile(r"[a-z]+/([0-9a-f]{2})/\1[0-9a-f]{30}\.(?:json|safetensors|parquet)")


@dataclass(frozen=True)
class Unpacked:
    """What became of a parcel's artefacts."""

    put: int
    """How many were put into the store."""
    there: int
    """How many it had already."""


def pack(store: Store, artefacts: Sequence[tuple[str, Mapping[str, Any]]], parcel: Path) -> int:
    """Write artefacts into a parcel.

    Args:
        store: has all of them.
        artefacts: kind and identity of each.
        parcel: the file to write, compressed if its name ends with "gz"; what is there is replaced.

    Returns:
        The parcel's length in bytes.

    Raises:
        UserError: if an artefact is damaged, or the parcel cannot be written.
        StoreError: if the disk does not let the store be read.
    """
    members = []
    for kind, identity in artefacts:
        path = store.path(kind, identity)
        with store.disk_errors("read"):
            try:
                description = describe(path, kind)
                check_files(path, description)
            except DamageError as error:
                raise UserError(
                    f"{path} is damaged ({error}). Run its suite again: ser-unlearn run."
                ) from error
        members += [path.with_suffix(suffix) for suffix in (DESCRIPTION, *description.files)]

    def write(temporary: Path) -> None:
        compressed = parcel.name.endswith("gz")
        opener = tarfile.TarFile.gzopen if compressed else tarfile.TarFile.taropen
        with opener(str(temporary), "w") as tar:
            for path in members:
                member = tarfile.TarInfo(path.relative_to(store.root).as_posix())
                member.size = path.stat().st_size
                with path.open("rb") as stream:
                    tar.addfile(member, stream)

    try:
        write_atomically(parcel, write)
    except OSError as error:
        raise UserError(
            f"{parcel} cannot be written: {error.strerror or error}. Name another file."
        ) from error
    return parcel.stat().st_size


def unpack(store: Store, parcel: Path) -> Unpacked:
    """Put the artefacts of a parcel into the store, if all of them are whole.

    Raises:
        UserError: if the parcel is damaged, or holds anything else; then nothing is put in place.
        StoreError: if the disk fails.
    """
    with store.disk_errors("written"):
        store.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=UNPACKING, dir=store.root) as name:
            folder = Path(name)
            _extract(parcel, folder)
            found = list(_checked(parcel, folder))
            put = sum(_put(store, folder, path, description) for path, description in found)
    return Unpacked(put, len(found) - put)


def _extract(parcel: Path, folder: Path) -> None:
    """Write a parcel's files below a folder; only plain files with the names of the store's."""
    with _reading(parcel):
        with parcel.open("rb") as stream:
            compressed = stream.read(2) == b"\x1f\x8b"
        opener = tarfile.TarFile.gzopen if compressed else tarfile.TarFile.taropen
        tar = opener(str(parcel), "r")
    with tar:
        while True:
            with _reading(parcel):
                member = tar.next()
                if member is None:
                    _check_end(tar)
                    return
            target = folder / member.name
            plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
            if not plain or not _MEMBER.fullmatch(member.name) or target.exists():
                raise UserError(
                    f"{parcel} holds {member.name!r}, which no parcel of artefacts does. "
                    "Nothing of it was unpacked."
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as written:
                _copy(parcel, tar, member, written)


def _check_end(tar: tarfile.TarFile) -> None:
    """Refuse what tarfile takes for an end: a header that is damaged, or nothing more at all."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    rest = tar.fileobj.read(tarfile.RECORDSIZE + 1)
    if len(rest) < tarfile.BLOCKSIZE or any(rest):
        raise EOFError("it ends too early")


def _copy(parcel: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, target: IO[bytes]) -> None:
    source = tar.extractfile(member)
    assert source is not None
    left = member.size
    while left:
        with _reading(parcel):
            chunk = source.read(min(CHUNK, left))
            if not chunk:
                raise EOFError("it ends too early")
        target.write(chunk)
        left -= len(chunk)


def _checked(parcel: Path, folder: Path) -> Iterator[tuple[Path, Description]]:
    """The artefacts below a folder, each checked; there must be nothing else."""
    files = {path for path in folder.rglob("*") if path.is_file()}
    for path in sorted(path for path in files if path.suffix == DESCRIPTION):
        try:
            description = describe(path, path.parents[1].name)
            check_files(path, description)
        except DamageError as error:
            raise _damaged(parcel, f"{path.relative_to(folder)}: {error}") from error
        files -= {path.with_suffix(suffix) for suffix in (DESCRIPTION, *description.files)}
        yield path, description
    if files:
        raise _damaged(parcel, f"{min(files).relative_to(folder)} belongs to no artefact")


def _put(store: Store, folder: Path, path: Path, description: Description) -> bool:
    """Move an artefact to its place, unless one that is whole is there."""
    place = store.root / path.relative_to(folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    release = acquire(place.with_suffix(LOCK))
    assert release is not None
    try:
        try:
            check_files(place, describe(place, description.kind))
        except DamageError:
            discard(place)
            for suffix in (*description.files, DESCRIPTION):
                path.with_suffix(suffix).replace(place.with_suffix(suffix))
            return True
        return False
    finally:
        release()


@contextmanager
def _reading(parcel: Path) -> Iterator[None]:
    """Say what is wrong with a parcel that cannot be read."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise _damaged(parcel, str(error)) from error
        raise UserError(
            f"{parcel} cannot be read: {error.strerror}. Name a file that "
            "'ser-unlearn store pack' wrote."
        ) from error
    except (tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        raise _damaged(parcel, str(error)) from error


def _damaged(parcel: Path, why: str) -> UserError:
    return UserError(
        f"{parcel} is no whole parcel ({why}). Nothing of it was unpacked; copy or pack it again."
    )
