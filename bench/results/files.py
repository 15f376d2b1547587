"""Files: written whole or not at all, and what the disk refuses said in the project's words."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ser_unlearn.errors import DiskError


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


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    write_atomically(path, lambda temporary: _write_bytes(temporary, data))


def write_text(path: Path, text: str) -> None:
    """Write a text file, as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def remove(path: Path) -> None:
    """Take away what is at a path, if anything is: a file, a link, or a folder with all in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def disk_errors(failure: Callable[[str], DiskError]) -> Iterator[None]:
    """Raise what the operating system refuses as an error of the disk.

    Args:
        failure: makes the error of the system's reason, such as "No space left on device".
    """
    try:
        yield
    except OSError as error:
        # Without a number it is not the system's: a method's time-out, for one.
        if error.errno is None:
            raise
        raise failure(_reason(error)) from error


def _reason(error: OSError) -> str:
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"{error.filename} is not a folder"
    return str(error.strerror)
