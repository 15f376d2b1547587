"""Recipes: SpeechBrain hparams files that define features, model and training.

A recipe is code: HyperPyYAML imports and calls whatever the file names. Only what is honoured of it
is run: the keys of its layout, and what they refer to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.plugins import plugins
from ser_unlearn.recogniser.layouts import layout_of
from ser_unlearn.recogniser.layouts.layout import REPLACED, Layout
from ser_unlearn.recogniser.pretrained import check_transformers, digest_of, folder_of, quietly
from ser_unlearn.recogniser.script import Script
from ser_unlearn.results.identity import digest
from ser_unlearn.results.names import shown
from ser_unlearn.results.reading import UnreadableError, canonical_yaml, read_source

if TYPE_CHECKING:
    from ser_unlearn.recogniser.hparams import Hparams

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """A recipe's file, not loaded yet."""

    name: str
    text: str
    path: Path | None = None
    """Of its file."""

    @cached_property
    def digest(self) -> str:
        """Hash of what the file says, comments and layout aside."""
        with self._faults():
            return hashlib.sha256(canonical_yaml(self.text).encode()).hexdigest()[:32]

    @cached_property
    def identity(self) -> str:
        """Hash of all that its models depend on: the file, and the weights that they start from."""
        weights = self._weights
        if weights is None:
            return self.digest
        return digest({"recipe": self.digest, "weights": digest_of(weights)})

    @cached_property
    def layout(self) -> Layout:
        """How the file is laid out."""
        return layout_of(self._keys)

    @cached_property
    def unheard(self) -> list[str]:
        """The keys that are not honoured, and in whose place the harness has nothing."""
        with self._faults():
            script = Script(self.text)
            script.keep((*self.layout.needs, *self.layout.takes))
        return [key for key in self._keys if key not in (*script.keys, *REPLACED)]

    def load(self, n_emotions: int) -> Hparams:
        """Run the file: every module in it is built anew, its weights drawn from torch's RNG.

        Args:
            n_emotions: how many classes the classifier tells apart.

        Raises:
            UserError: if the file cannot be run, or lacks a key.
        """
        from hyperpyyaml import load_hyperpyyaml

        missing = self.layout.missing(self._keys)
        if missing:
            raise UserError(
                f"The recipe '{self.name}' does not define {', '.join(missing)}. "
                f"Add the key to its file; {self.layout.example}.yaml shows each."
            )
        weights = self._weights
        with self._faults(), ExitStack() as held:
            script = Script(self.text)
            script.keep((*self.layout.needs, *self.layout.takes))
            script.set_outputs(self.layout.outputs, n_emotions)
            if self.layout.weights and weights:
                script.set_argument(self.layout.weights, "source", str(weights))
            if script.folders:
                script.place_folders(Path(held.enter_context(TemporaryDirectory())))
            if weights:
                held.enter_context(quietly())
            values: dict[str, Any] = load_hyperpyyaml(script.text)
        try:
            return self.layout.assemble(values)
        except UserError as error:
            raise UserError(f"The recipe '{self.name}': {error}") from error

    @cached_property
    def _keys(self) -> list[str]:
        with self._faults():
            return Script(self.text).keys

    @cached_property
    def _weights(self) -> Path | None:
        """The folder of the weights that the recipe's models start from, if there are any."""
        if self.layout.weights not in self._keys:
            return None
        check_transformers()
        with self._faults():
            source = Script(self.text).argument(self.layout.weights, "source")
        return folder_of(source, self.path.parent if self.path else None)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Name the recipe in whatever goes wrong with it."""
        try:
            yield
        except UserError:
            raise
        except UnreadableError as error:
            raise UserError(
                f"The recipe '{self.name}' is not valid. Mend this in its file: {error}"
            ) from error
        # The file is code, and may raise anything.
        except Exception as error:
            raise UserError(
                f"The recipe '{self.name}' cannot be loaded. "
                f"Mend this in its file: {type(error).__name__}: {shown(str(error), 300)}"
            ) from error


def recipe_names() -> list[str]:
    """The names of all recipes, sorted."""
    return sorted(_paths())


def _paths() -> dict[str, Path]:
    """The project's own recipes, and those that installed packages bring."""
    own = {path.stem: path for path in RECIPES.glob("*.yaml")}
    return own | {name: each.path for name, each in plugins("recipes", own).items()}


def is_path(recipe: str) -> bool:
    """Whether this is a recipe's file rather than the name of one of the project's recipes."""
    return recipe.endswith((".yaml", ".yml")) or "/" in recipe or "\\" in recipe


def load_recipe(name: str) -> Recipe:
    """Read a recipe's file without running it.

    Args:
        name: of a recipe of the project, or the path of a file. Such a recipe is called after its
            file and what it says, so that two files of one name, or two states of one file, never
            share records.

    Raises:
        UserError: if there is no such recipe, or its file cannot be read.
    """
    if is_path(name):
        path = Path(name)
        text = read_source("recipe", path)
        return Recipe(f"{path.stem}-{Recipe(path.stem, text).digest[:8]}", text, path.absolute())
    paths = _paths()
    if name not in paths:
        raise unknown_name("recipe", name, paths)
    return Recipe(name, read_source("recipe", paths[name]), paths[name])
