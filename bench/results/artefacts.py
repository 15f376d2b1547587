"""The form of an artefact on disk: what is written, and whether what is found is whole.

Files hold an artefact: `<key>.safetensors` if it has tensors, `<key>.parquet` if it has a table,
and last `<key>.json`, one object of two members:

    {"sha256": "<64 digits>", "artefact": {"kind": ..., "identity": ..., "meta": ..., "files": ...}}

`sha256` is that of the second member's bytes, so that nothing is understood before it is known to
be what was written. `files` says of every other file how long it is, and its SHA-256. The key is a
hash of the identity. Nothing is ever unpickled.
"""

from __future__ import annotations

import errno
import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_unlearn.results.files import remove
from ser_unlearn.results.identity import digest, file_digest

if TYPE_CHECKING:
    import pandas as pd
    import torch

DESCRIPTION = ".json"
TENSORS = ".safetensors"
TABLE = ".parquet"

LARGEST_DESCRIPTION = 2**28
"""Bytes; more is not read into memory. A corpus of 100,000 utterances takes a tenth of it."""

_HEAD = b'{"sha256": "'
_MIDDLE = b'", "artefact": '
_TAIL = b"}\n"
_BODY = len(_HEAD) + 64 + len(_MIDDLE)
"""Where the second member starts."""

_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO})
_UNREADABLE = frozenset({errno.EIO, errno.ESTALE})


@dataclass(frozen=True)
class Artefact:
    """Named tensors with a JSON-like description, and perhaps a table."""

    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    table: pd.DataFrame | None = None


class DamageError(Exception):
    """What was found is not what was written; the message says why."""


@dataclass(frozen=True)
class Sum:
    """What a file must be."""

    length: int
    """In bytes."""
    sha256: str


@dataclass(frozen=True)
class Description:
    """All that an artefact's JSON says."""

    kind: str
    identity: Mapping[str, Any]
    meta: Mapping[str, Any]
    files: Mapping[str, Sum]
    """By their suffixes."""


def encode(kind: str, identity: Mapping[str, Any], artefact: Artefact) -> dict[str, bytes]:
    """The files of an artefact by their suffixes, in the order in which they are to be written.

    Raises:
        ValueError: if JSON cannot hold the description; also TypeError and RecursionError.
    """
    files: dict[str, bytes] = {}
    # First, for it is what may be refused.
    says = {"kind": kind, "identity": dict(identity), "meta": dict(artefact.meta)}
    json.loads(json.dumps(says, allow_nan=False))
    if artefact.tensors:
        from safetensors.torch import save

        # A copy of each: tensors that share memory cannot be saved side by side.
        files[TENSORS] = save(
            {name: tensor.contiguous().clone() for name, tensor in artefact.tensors.items()}
        )
    if artefact.table is not None:
        buffer = BytesIO()
        artefact.table.to_parquet(buffer, index=False)
        files[TABLE] = buffer.getvalue()
    sums = {
        suffix: {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for suffix, data in files.items()
    }
    body = json.dumps({**says, "files": sums}, allow_nan=False).encode()
    if len(body) > LARGEST_DESCRIPTION:
        raise ValueError(f"a description of {len(body)} bytes is too long; keep it in a table")
    files[DESCRIPTION] = _HEAD + _sha256(body) + _MIDDLE + body + _TAIL
    return files


def describe(path: Path, kind: str) -> Description:
    """Read an artefact's description, and check that it is whole and that of its place.

    Args:
        path: `<key>.json`.
        kind: of the artefact that belongs there.

    Raises:
        DamageError: if it is anything else.
        OSError: if the disk does not let it be read.
    """
    with _reading():
        if _length(path) > LARGEST_DESCRIPTION + _BODY + len(_TAIL):
            raise DamageError("it is too long")
        found = path.read_bytes()
    body = found[_BODY : -len(_TAIL)]
    if found != _HEAD + _sha256(body) + _MIDDLE + body + _TAIL:
        raise DamageError("its checksum does not match")
    with _understanding():
        says = json.loads(body)
        description = Description(
            says["kind"],
            says["identity"],
            says["meta"],
            {suffix: Sum(**each) for suffix, each in says["files"].items()},
        )
        if not (isinstance(description.meta, dict) and {TENSORS, TABLE}.issuperset(says["files"])):
            raise ValueError("its members are others")
        belongs = description.kind == kind and digest(description.identity) == path.stem
    if not belongs:
        raise DamageError("it describes something else")
    return description


def check_files(path: Path, description: Description) -> None:
    """Check the other files of an artefact.

    Args:
        path: its `<key>.json`.
        description: what that says.

    Raises:
        DamageError: if one is not there, or not what was written.
        OSError: if the disk does not let it be read.
    """
    for suffix, expected in description.files.items():
        data = path.with_suffix(suffix)
        with _reading():
            whole = _length(data) == expected.length and file_digest(data) == expected.sha256
        if not whole:
            raise DamageError("its checksum does not match")


def read(path: Path, kind: str) -> Artefact:
    """Read an artefact that is whole; raises as `describe` and `check_files` do."""
    description = describe(path, kind)
    before = _versions(path, description)
    check_files(path, description)
    tensors: Mapping[str, torch.Tensor] = {}
    table = None
    with _reading(), _understanding():
        if TENSORS in description.files:
            from safetensors.torch import load_file

            tensors = load_file(path.with_suffix(TENSORS))
        if TABLE in description.files:
            import pandas as pd

            table = pd.read_parquet(path.with_suffix(TABLE))
    # Where there are no locks, another process may put its own files between check and reading.
    if _versions(path, description) != before:
        raise DamageError("its files were replaced while they were read")
    return Artefact(tensors, description.meta, table)


def discard(path: Path) -> None:
    """Take away all files of an artefact; its `<key>.json` first, without which it is none."""
    for suffix in (DESCRIPTION, TENSORS, TABLE):
        remove(path.with_suffix(suffix))


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _length(path: Path) -> int:
    """The length of a file in bytes. What is no file is not opened: that might wait forever."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise DamageError(f"{path.name} is no file")
    return found.st_size


def _versions(path: Path, description: Description) -> list[tuple[int, int]]:
    """What tells the files beside a description from others that take their places."""
    with _reading():
        found = [path.with_suffix(suffix).stat() for suffix in description.files]
    return [(each.st_ino, each.st_mtime_ns) for each in found]


@contextmanager
def _reading() -> Iterator[None]:
    """Tell files that are not there, or that are broken, from a disk that refuses."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_FILE or isinstance(error, FileNotFoundError):
            raise DamageError("a file of it is not there") from error
        if error.errno in _UNREADABLE:
            raise DamageError(f"a file of it cannot be read: {error.strerror}") from error
        raise


@contextmanager
def _understanding() -> Iterator[None]:
    """Whatever a reader makes of bytes that are whole but no artefact, they are damage."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise DamageError(f"it has not the form of an artefact: {error}") from error
