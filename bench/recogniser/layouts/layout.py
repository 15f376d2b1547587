"""What a layout says of itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from ser_unlearn.recogniser.hparams import Hparams

MAX_GRAD_NORM = 5.0
"""To which `speechbrain.Brain` clips gradients by default."""


@dataclass(frozen=True)
class Layout:
    """A way in which recipes name what they define."""

    name: str
    family: str
    """Which `presets` of methods its recipes take."""
    example: str
    """A recipe of the project that has it."""
    needs: tuple[str, ...]
    """Keys that every recipe has."""
    takes: tuple[str, ...]
    """Keys that are honoured where there are any."""
    outputs: str
    """The key of the module whose outputs are the emotions."""
    assemble: Callable[[Mapping[str, Any]], Hparams]
    """From what the keys stand for."""
    parts: Mapping[str, str]
    """Where in the recogniser the module of a key is: the path of an attribute, by the key."""
    weights: str | None = None
    """The key of the module that comes with weights, from its argument `source`."""

    def missing(self, keys: Collection[str]) -> list[str]:
        """What a file with these keys lacks."""
        return [key for key in self.needs if key not in keys]

    def module(self, recogniser: nn.Module, key: str) -> nn.Module:
        """The module of a recogniser that a key of its recipe stands for."""
        return recogniser.get_submodule(self.parts[key])


REPLACED = (
    "seed", "__set_seed", "data_folder", "output_folder", "save_folder", "train_log",
    "train_annotation", "valid_annotation", "test_annotation", "skip_prep", "train_logger",
    "error_stats", "compute_error", "ckpt_interval_minutes", "checkpointer", "epoch_counter",
    "dataloader_options", "modules", "model",
)  # fmt: skip
"""Keys in whose place the harness has seeds, folders, splits, records and a store of its own."""
