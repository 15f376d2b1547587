"""Where a number comes from: code, packages and machine."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ser_unlearn.results.records import Provenance

PACKAGES = ("torch", "torchaudio", "speechbrain", "datasets", "numpy", "scipy", "scikit-learn")


def provenance(device: str) -> Provenance:
    """Describe this code on this machine.

    Args:
        device: "cpu" or "cuda".
    """
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--", ".", ":!results", ":!leaderboard.md")
    return Provenance(
        version=version("ser-unlearn"),
        commit=commit,
        clean=None if commit is None else changes == "",
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        processor=_processor(),
        device=_device(device),
        threads=1,
    )


def on_this_machine(origin: Provenance, device: str) -> Provenance:
    """The code and packages of a provenance, on the machine where this process runs.

    Args:
        origin: of the process that asked for the work.
        device: "cpu" or "cuda".
    """
    return origin.model_copy(update={"processor": _processor(), "device": _device(device)})


def _git(*arguments: str) -> str | None:
    """What a git command prints in the checkout; None where there is none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


@cache
def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _device(device: str) -> str:
    if device == "cpu":
        return "cpu"
    import torch

    # Who hands out work to other machines' GPUs may have none.
    return torch.cuda.get_device_name() if torch.cuda.is_available() else device
