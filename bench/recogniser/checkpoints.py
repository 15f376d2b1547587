"""Checkpoints: a trained model in a file or folder, as the weights of a recipe's model, and back.

There are two layouts: the folder of a checkpoint of SpeechBrain's, with CKPT.yaml and a .ckpt file
for each recoverable; and a .safetensors file with the weights under the names that they have in
the recipe's model. Nothing is unpickled: torch reads .ckpt files with `weights_only`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.parts import part_of
from ser_unlearn.results.names import shown

PREFIX = "CKPT"
META = f"{PREFIX}.yaml"
ENDING = ".ckpt"
SAFETENSORS = ".safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A trained model, and the layout in which it came."""

    path: Path
    """The folder, or the file."""
    state: Mapping[str, Tensor]
    """All weights of the recipe's model, by their names there."""
    files: Mapping[str, Mapping[str, str]]
    """By the name of each file that holds weights: for every key in it, the weight's name."""
    others: tuple[str, ...] = ()
    """Names of files beside that hold neither weights nor other tensors."""
    left_out: tuple[str, ...] = ()
    """Names of files that hold other tensors, such as an optimiser's: averages of gradients on the
    recordings that were trained on."""

    def write(self, state: Mapping[str, Tensor], folder: Path) -> Path:
        """Write other weights in the same layout.

        Args:
            state: by the weights' names.
            folder: where the checkpoint's file or folder is made.

        Returns:
            What was made, under the checkpoint's own name; a folder's begins so that SpeechBrain's
            `Checkpointer(folder)` finds it.
        """
        if self.path.is_file():
            target = folder / self.path.name
            ((_, keys),) = self.files.items()
            save_file(_renamed(state, keys, load_file(self.path)), target)
            return target
        name = self.path.name
        target = folder / (name if name.startswith(f"{PREFIX}+") else f"{PREFIX}+unlearned")
        target.mkdir()
        for name, keys in self.files.items():
            torch.save(_renamed(state, keys, _load(self.path / name)), target / name)
        for name in self.others:
            shutil.copyfile(self.path / name, target / name)
        return target


def read_checkpoint(path: Path, model: nn.Module) -> Checkpoint:
    """Read a checkpoint as the weights of a recipe's model.

    Args:
        path: a .safetensors file, the folder of a SpeechBrain checkpoint, or the folder in which
            there is one such.
        model: of the recipe, with as many outputs as the corpus has emotions.

    Raises:
        UserError: if it is neither, or does not hold all of the model's weights.
    """
    found = _file(path, model) if path.is_file() else _folder(_checkpoint_in(path), model)
    for name, tensor in found.state.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"The checkpoint {path} is of no use: its {name} is not finite.")
    return found


def _file(path: Path, model: nn.Module) -> Checkpoint:
    if path.suffix != SAFETENSORS:
        raise UserError(
            f"The checkpoint {path} is no {SAFETENSORS} file. Name one, or the folder of a "
            "checkpoint that SpeechBrain wrote."
        )
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise UserError(
            f"The checkpoint {path} cannot be read: {shown(str(error), 200)}. Name another."
        ) from error
    files = {path.name: part_of(model, path.name, tensors) or {}}
    return Checkpoint(path, _weights(path, model, {path.name: tensors}, files), files)


def _folder(path: Path, model: nn.Module) -> Checkpoint:
    contents: dict[str, Mapping[str, Tensor]] = {}
    files: dict[str, Mapping[str, str]] = {}
    others, left_out = [META], []
    for each in sorted(path.iterdir()):
        if each.suffix != ENDING or not each.is_file():
            left_out += [each.name] if each.name != META else []
            continue
        try:
            found = _load(each)
        except _NoTensorsError:
            others.append(each.name)
            continue
        _refuse_running_statistics(each, found)
        keys = part_of(model, each.stem, found) if _is_state(found) else None
        if keys is not None:
            contents[each.name], files[each.name] = found, keys
        elif _holds_tensors(found):
            left_out.append(each.name)
        else:
            others.append(each.name)
    state = _weights(path, model, contents, files)
    return Checkpoint(path, state, files, tuple(others), tuple(left_out))


def _checkpoint_in(path: Path) -> Path:
    """The folder of the one checkpoint that is at a path."""
    if (path / META).is_file():
        return path
    found = sorted(each.parent for each in path.glob(f"{PREFIX}+*/{META}"))
    if not found:
        raise UserError(
            f"There is no checkpoint at {path}. Name a {SAFETENSORS} file, or a folder with the "
            f"{META} that SpeechBrain writes."
        )
    if len(found) > 1:
        raise UserError(
            f"There are {len(found)} checkpoints in {path}. Name the folder of one: {found[-1]}"
        )
    return found[0]


class _NoTensorsError(Exception):
    """A file holds text, or what only code that we do not run can read."""


def _load(path: Path) -> Any:
    """What torch saved in a file.

    Raises:
        _NoTensorsError: if it is a text, such as an epoch counter's.
        UserError: if only code could read it, or nothing can.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    # Whatever torch makes of bytes that it did not write.
    except Exception as error:
        try:
            path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise UserError(
                f"{path} in the checkpoint cannot be read as weights alone, and nothing else is "
                "run. Save it as a state_dict, or take it out."
            ) from error
        raise _NoTensorsError from error


def _refuse_running_statistics(path: Path, found: Any) -> None:
    if isinstance(found, Mapping) and "glob_mean" in found and found.get("count"):
        raise UserError(
            f"{path} holds running statistics of the features (InputNormalization with norm_type "
            "global), which no recipe here has. Use a model that normalises by the sentence."
        )


def _is_state(found: Any) -> bool:
    return isinstance(found, Mapping) and all(
        isinstance(name, str) and isinstance(each, Tensor) for name, each in found.items()
    )


def _holds_tensors(found: Any) -> bool:
    """Whether there is a tensor with anything in it."""
    if isinstance(found, Tensor):
        return found.numel() > 0
    if isinstance(found, Mapping):
        found = list(found.values())
    return isinstance(found, list | tuple) and any(map(_holds_tensors, found))


def _weights(
    path: Path,
    model: nn.Module,
    contents: Mapping[str, Mapping[str, Tensor]],
    files: Mapping[str, Mapping[str, str]],
) -> dict[str, Tensor]:
    """The model's weights from files; `files` gives their names there."""
    own = model.state_dict()
    found = {
        name: contents[file][key].to(own[name].dtype).contiguous()
        for file, keys in files.items()
        for key, name in keys.items()
    }
    missing = [name for name in own if name not in found]
    if missing:
        named = f"{missing[0]} and {len(missing) - 1} more" if len(missing) > 1 else missing[0]
        shape = list(own[missing[0]].shape)
        raise UserError(
            f"The checkpoint {path} does not fit the recipe: it lacks weights of the model "
            f"({named}, of shape {shape}). Name the recipe that it was trained with, and a corpus "
            "with as many emotions."
        )
    return {name: found[name] for name in own}


def _renamed(
    state: Mapping[str, Tensor], keys: Mapping[str, str], before: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Weights under the keys of a file, each of the type that it had there."""
    return {key: state[name].to(before[key].dtype).contiguous() for key, name in keys.items()}
