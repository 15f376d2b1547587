"""The weights of a record, out of the store."""

from __future__ import annotations

import shutil
from pathlib import Path

from ser_unlearn.errors import UserError
from ser_unlearn.results.folders import check_folder
from ser_unlearn.results.records import read_record, results_errors
from ser_unlearn.runner.again import command_of, is_answered, job_of
from ser_unlearn.runner.grid import Options

WEIGHTS = "model.safetensors"

DEPTH = 5
"""Folders from a record up to its results folder: row, scenario, recipe, corpus, itself."""


def export(path: Path, folder: Path, options: Options) -> Path:
    """Write the weights of a record's model, and the record beside them; no method runs.

    Args:
        path: the record.
        folder: where `model.safetensors` and `record.json` go; it is made if need be.
        options: where the recordings are, by which the store knows the model.

    Returns:
        The file with the weights: what `--checkpoint` takes.

    Raises:
        UserError: if the store does not have them; it says how to make them.
    """
    record = read_record(_results_of(path), path)
    if record.status != "done":
        raise UserError(f"The record {path} has no model: {record.status} ({record.reason}).")
    check_folder(folder, "DIR")
    target = folder / WEIGHTS
    if target.exists():
        raise UserError(f"{target} is there already. Name another folder.")
    job = job_of(record, options, record.recipe)
    if job is None:
        raise UserError(f"The method '{record.method}' of the record is not known here. Add it.")
    if not is_answered(job) or job.fingerprint != record.fingerprint:
        raise UserError(
            f"The store does not have the model of {path} (or code or recordings are others now). "
            f"Make it again: {command_of(record, options)}"
        )
    state = job.answer(job.request).state

    from safetensors.torch import save_file

    with results_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / "record.json")
        save_file(dict(state), target, {"fingerprint": record.fingerprint})
    return target


def _results_of(path: Path) -> Path:
    """The results folder that a record lies in."""
    above = (path if len(path.parents) >= DEPTH else path.absolute()).parents
    if not path.is_file() or len(above) < DEPTH:
        raise UserError(f"There is no record {path}. Name a file in a results folder.")
    return above[DEPTH - 1]
