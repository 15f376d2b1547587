"""Weights that recipes start from: in a folder, or on the Hugging Face hub."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ser_unlearn.errors import UserError
from ser_unlearn.results.identity import digest, file_digest
from ser_unlearn.results.names import shown

SETTINGS = ("config.json", "preprocessor_config.json")
WEIGHTS = ("*.safetensors", "*.bin")
"""Files with weights; the first kind that there is is taken."""


def check_transformers() -> None:
    """Refuse to go on without the library that such weights are for.

    Raises:
        UserError: if it is not installed.
    """
    if importlib.util.find_spec("transformers") is None:
        raise UserError(
            "Recipes with self-supervised models need transformers. "
            "Install it: pip install 'ser-unlearn[ssl]'"
        )


@contextmanager
def quietly() -> Iterator[None]:
    """Let SpeechBrain and transformers load weights without a word for each."""
    from transformers.utils import logging as theirs

    before, bars = logging.root.manager.disable, theirs.is_progress_bar_enabled()
    logging.disable(logging.WARNING)
    theirs.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        if bars:
            theirs.enable_progress_bar()


@cache
def folder_of(source: str, near: Path | None) -> Path:
    """The folder of the weights that a recipe names.

    What the hub has is downloaded once, to the place where its own library keeps it; whatever is
    there already is taken as it is, without asking the hub.

    Args:
        source: a folder, or a name on the hub such as "facebook/wav2vec2-base".
        near: the folder of the recipe, if it comes from a file; a relative path may start there.

    Raises:
        UserError: if there are none.
    """
    for folder in (Path(source).expanduser(), *([near / source] if near else [])):
        if folder.is_dir():
            if not _files(folder):
                raise UserError(
                    f"The folder {shown(str(folder), 200)} holds no weights (config.json and "
                    "*.safetensors). Name another in the recipe."
                )
            return folder.resolve()
    return _from_hub(source)


def digest_of(folder: Path) -> str:
    """Hash of the weights and settings in a folder."""
    return _digest(tuple((path, path.stat().st_mtime_ns) for path in _files(folder)))


@cache
def _digest(files: tuple[tuple[Path, int], ...]) -> str:
    return digest({path.name: file_digest(path) for path, _ in files})


def _files(folder: Path) -> list[Path]:
    """The files in a folder that a model depends on; none where weights or settings are missing."""
    weights = next((found for kind in WEIGHTS if (found := sorted(folder.glob(kind)))), [])
    settings = [path for name in SETTINGS if (path := folder / name).exists()]
    return [*settings, *weights] if weights and settings else []


def _from_hub(source: str) -> Path:
    from huggingface_hub import snapshot_download

    fault: Exception | None = None
    for here in (True, False):
        for kind in WEIGHTS:
            try:
                found = snapshot_download(
                    source, allow_patterns=[*SETTINGS, kind], local_files_only=here
                )
            # The library raises its own, those of the network beneath it, and ValueError.
            except Exception as error:
                fault = error
                break
            if _files(Path(found)):
                return Path(found)
    reason = f": {shown(str(fault), 200)}" if fault else ""
    raise UserError(
        f"The weights '{shown(source, 200)}' are neither a folder nor to be had from the Hugging "
        f"Face hub{reason}. Connect to the network, or name a folder with them in the recipe."
    )
