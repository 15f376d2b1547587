"""Locks: of all processes that want to make an artefact, one does.

A lock is the kernel's (`flock` on an empty file, or Windows's own), held by an open file: whoever
dies, in whatever way, gives it up, and a child that it forked does not keep it. On NFS, Linux asks
the server, so that it holds between machines; a machine that dies loses it with its lease. On a
mount without a lock service (`nolock`, `local_lock`) it holds on one machine alone. A lock by the
mere existence of a file would hold everywhere, but outlive a holder on another machine; so where
there is no lock at all, work goes on without. Nothing rests on locks but that work is not done
twice: files are put in place whole.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from ser_unlearn.results.files import remove

LOCKLESS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
"""What a file system answers that has no locks."""


def acquire(path: Path, *, wait: bool = True) -> Callable[[], None] | None:
    """Take a lock.

    Args:
        path: the lock's file; it is made, and stays.
        wait: whether to wait while another holds it.

    Returns:
        What gives it back, as does forgetting it; None if another holds it and there is no waiting.

    Raises:
        OSError: if the file cannot be made.
    """
    if path.is_symlink() or path.is_dir():
        remove(path)
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(blocking=wait)
    except Timeout:
        return None
    except OSError as error:
        if error.errno not in LOCKLESS:
            raise
        return _nothing
    return lock.release


def _nothing() -> None:
    """Give back a lock where there are none."""
