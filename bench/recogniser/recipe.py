"""Recipes: SpeechBrain hparams files that define features, model and training.

A recipe is code: HyperPyYAML imports and calls whatever the file names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.plugins import plugins
from ser_unlearn.results.names import shown
from ser_unlearn.results.reading import UnreadableError, canonical_yaml, read_source

if TYPE_CHECKING:
    import torch
    from torch import nn

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Hparams:
    """What a recipe's file defines, each under the key of the same name."""

    sample_rate: int
    """Hz."""
    trim_db: float
    """Ends that are quieter than the loudest 25 ms by more than this (dB) are cut off."""
    compute_features: nn.Module
    """Waveforms [B, T] to features [B, frames, F]; training never changes it."""
    mean_var_norm: nn.Module
    """Features and relative lengths to normalised features."""
    embedding_model: nn.Module
    """Normalised features and relative lengths to embeddings [B, 1, E]."""
    classifier: nn.Module
    """Embeddings to logits [B, 1, C]."""
    crop_frames: int
    """Length of the random crops that training sees."""
    number_of_epochs: int
    batch_size: int
    opt_class: Callable[..., torch.optim.Optimizer]
    """Called with the parameters."""
    lr_scheduler: Callable[..., torch.optim.lr_scheduler.LRScheduler]
    """Called with the optimiser and `total_steps`; advanced after every step."""


@dataclass(frozen=True)
class Recipe:
    """A recipe's file, not loaded yet."""

    name: str
    text: str

    @cached_property
    def digest(self) -> str:
        """Hash of what the file says, comments and layout aside."""
        try:
            canonical = canonical_yaml(self.text)
        except UnreadableError as error:
            raise UserError(
                f"The recipe '{self.name}' is not YAML. Mend this in its file: {error}"
            ) from error
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]

    def load(self, n_emotions: int) -> Hparams:
        """Run the file: every module in it is built anew, its weights drawn from torch's RNG.

        Args:
            n_emotions: how many classes the classifier tells apart.

        Raises:
            UserError: if the file cannot be run, or lacks a key.
        """
        from hyperpyyaml import load_hyperpyyaml

        try:
            values: Any = load_hyperpyyaml(self.text, {"n_emotions": n_emotions})
        # The file is code, and may raise anything.
        except Exception as error:
            raise UserError(
                f"The recipe '{self.name}' cannot be loaded. "
                f"Mend this in its file: {type(error).__name__}: {shown(str(error), 300)}"
            ) from error
        if not isinstance(values, dict):
            raise UserError(f"The recipe '{self.name}' holds no mapping. Write keys and values.")
        missing = [key for key in Hparams.__dataclass_fields__ if key not in values]
        if missing:
            raise UserError(
                f"The recipe '{self.name}' does not define {', '.join(missing)}. "
                "Add the key to its file; ecapa.yaml shows each."
            )
        return Hparams(**{key: values[key] for key in Hparams.__dataclass_fields__})


def recipe_names() -> list[str]:
    """The names of all recipes, sorted."""
    return sorted(_paths())


def _paths() -> dict[str, Path]:
    """The project's own recipes, and those that installed packages bring."""
    own = {path.stem: path for path in RECIPES.glob("*.yaml")}
    return own | {name: each.path for name, each in plugins("recipes", own).items()}


def load_recipe(name: str) -> Recipe:
    """Read the recipe's file without running it.

    Raises:
        UserError: if there is no such recipe, or its file cannot be read.
    """
    paths = _paths()
    if name not in paths:
        raise unknown_name("recipe", name, paths)
    return Recipe(name, read_source("recipe", paths[name]))
