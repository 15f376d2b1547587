"""The store: everything expensive is computed once, by whoever comes first.

An artefact is a set of named tensors, a table or both, and a JSON description. Its key is a hash
of all that determines it. Files hold it: `<key>.safetensors`, `<key>.parquet`, and `<key>.json`,
which is written last and carries the checksums of the others. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock
from platformdirs import user_cache_dir

from ser_unlearn.results.identity import digest, file_digest

if TYPE_CHECKING:
    import pandas as pd
    import torch


@dataclass(frozen=True)
class Artefact:
    """Named tensors with a JSON-like description, and perhaps a table."""

    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    table: pd.DataFrame | None = None


class DamagedArtefactWarning(UserWarning):
    """An artefact did not match its checksum; it is thrown away and made again."""


def default_root() -> Path:
    """The folder that SER_UNLEARN_CACHE names, or the platform's cache folder."""
    return Path(os.environ.get("SER_UNLEARN_CACHE") or user_cache_dir("ser-unlearn"))


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it to `path`.

    A reader sees the old file or the whole new one, never a part.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        # mkstemp's files are private; an artefact is as readable as any other file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_atomically(path, lambda temporary: _write_text(temporary, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


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
            make: computes the artefact.
        """
        found = self._read(kind, identity, locked=False)
        if found is not None:
            return found
        path = self._path(kind, identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            found = self._read(kind, identity, locked=True)
            if found is None:
                self.put(kind, identity, make())
                found = self._read(kind, identity, locked=True)
        if found is None:
            raise OSError(f"{path} could not be read back after it was written.")
        return found

    def has(self, kind: str, identity: Mapping[str, Any]) -> bool:
        """Whether the artefact seems to be there; its checksum is not looked at."""
        return self._path(kind, identity).exists()

    def put(self, kind: str, identity: Mapping[str, Any], artefact: Artefact) -> None:
        """Write an artefact; one that is there already is replaced."""
        path = self._path(kind, identity)
        description: dict[str, Any] = {"identity": dict(identity), "meta": dict(artefact.meta)}
        if artefact.tensors:
            from safetensors.torch import save_file

            # A copy of each: tensors that share memory cannot be saved side by side.
            tensors = {
                name: tensor.contiguous().clone() for name, tensor in artefact.tensors.items()
            }
            data = path.with_suffix(".safetensors")
            write_atomically(data, lambda temporary: save_file(tensors, temporary))
            description["sha256"] = file_digest(data)
        if artefact.table is not None:
            table, data = artefact.table, path.with_suffix(".parquet")
            write_atomically(data, lambda temporary: table.to_parquet(temporary, index=False))
            description["table_sha256"] = file_digest(data)
        text = json.dumps(description, allow_nan=False)
        write_text(path, text)

    def _path(self, kind: str, identity: Mapping[str, Any]) -> Path:
        key = digest(identity)
        return self.root / kind / key[:2] / f"{key}.json"

    def _read(self, kind: str, identity: Mapping[str, Any], *, locked: bool) -> Artefact | None:
        path = self._path(kind, identity)
        if not path.exists():
            return None
        try:
            description = json.loads(path.read_text(encoding="utf-8"))
            if description["identity"] != json.loads(json.dumps(dict(identity))):
                raise ValueError("it describes something else")
            tensors: Mapping[str, torch.Tensor] = {}
            if "sha256" in description:
                from safetensors.torch import load_file

                tensors = load_file(
                    _intact(path.with_suffix(".safetensors"), description["sha256"])
                )
            table = None
            if "table_sha256" in description:
                import pandas as pd

                data = _intact(path.with_suffix(".parquet"), description["table_sha256"])
                table = pd.read_parquet(data)
            return Artefact(tensors, description["meta"], table)
        except (OSError, ValueError, KeyError, TypeError) as error:
            # Without the lock, another process may have made it again by now.
            if not locked:
                return None
            warnings.warn(
                f"The artefact {path} is damaged ({error}); it is made again.",
                DamagedArtefactWarning,
                stacklevel=3,
            )
            path.unlink(missing_ok=True)
            return None


def _intact(path: Path, checksum: str) -> Path:
    if file_digest(path) != checksum:
        raise ValueError("its checksum does not match")
    return path
