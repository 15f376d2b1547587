"""Copies of the project, to which a test may add files."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The checkout that is under test."""


def copy_package(folder: Path) -> Path:
    """Copy the package as a wheel would unpack it; with `folder` as PYTHONPATH it is what runs.

    Returns:
        The package's folder, with `methods` and `cards` in it.
    """
    package = folder / "ser_unlearn"
    # An editable installation has a link to the methods here.
    shutil.copytree(
        ROOT / "bench", package, ignore=shutil.ignore_patterns("methods", "__pycache__")
    )
    shutil.copytree(ROOT / "methods", package / "methods")
    shutil.copytree(ROOT / "datasets", package / "cards")
    return package
