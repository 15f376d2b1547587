"""Folders: whether one can be written to is seen before anything is computed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ser_unlearn.errors import UserError


def check_folder(folder: Path, what: str) -> None:
    """Refuse a folder in which nothing can be made; it need not be there yet.

    Args:
        folder: the folder.
        what: what names it: an option, or a variable.

    Raises:
        UserError: if it is a file, or closed to us, or cannot be made.
    """
    try:
        nearest = folder.absolute()
        while not nearest.exists():
            nearest = nearest.parent
        # A folder made and removed there; what must be made on the way can be, if this can.
        with tempfile.TemporaryDirectory(prefix=".writable", dir=nearest) as made:
            Path(made, "file").write_bytes(b"")
    # A path with a zero byte in it is a ValueError.
    except (OSError, ValueError) as error:
        raise UserError(
            f"{what}: nothing can be written to the folder {folder} "
            f"({getattr(error, 'strerror', None) or error}). Name another."
        ) from error
