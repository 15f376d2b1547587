"""Where the code of methods lies: in `methods/`, in an installed package, or in any other file."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from ser_unlearn.plugins import plugins

PACKAGE = "ser_unlearn.methods"

_spec = importlib.util.find_spec(PACKAGE)
assert _spec is not None
assert _spec.submodule_search_locations
METHODS = Path(_spec.submodule_search_locations[0]).resolve()
"""The folder of the methods; in a checkout it is a link that leads here."""


def own_methods(folder: Path = METHODS) -> dict[str, Path]:
    """The files in a folder of methods, by the methods' names."""
    paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    return {path.stem: path for path in paths}


def helpers(path: Path, text: str) -> list[Path]:
    """The helper files that a method's file imports: those beside it, and those in `methods/`."""
    package = path.parent.name
    modules = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            # A dot stands for the package that the file lies in.
            start = [package] if node.level == 1 else []
            name = ".".join([*start, *([node.module] if node.module else [])])
            modules += [name, *(f"{name}.{each.name}" for each in node.names)]
        elif isinstance(node, ast.Import):
            modules += [each.name for each in node.names]
    found = {}
    for module in sorted(modules):
        parent, _, stem = module.rpartition(".")
        if parent == PACKAGE:
            folders = [path.parent, METHODS] if stem.startswith("_") else []
        else:
            folders = [path.parent] if parent.rpartition(".")[2] == package else []
        there = [each for folder in folders if (each := folder / f"{stem}.py").exists()]
        if there:
            found[stem] = there[0]
    return list(found.values())


def module_of(method: str, path: Path | None = None) -> ModuleType:
    """Import a method's module. Whatever its code raises is let through.

    Args:
        method: its name.
        path: its file, if it is neither in `methods/` nor in an installed package.
    """
    if path is not None:
        return _module_in(path)
    brought = plugins("methods", own_methods())
    module = brought[method].module if method in brought else f"{PACKAGE}.{method}"
    return importlib.import_module(module)


def module_at(path: Path) -> ModuleType:
    """Import the module in a file, wherever it lies, as `module_of` does."""
    place = path.resolve()
    everything = {
        **own_methods(),
        **{name: each.path.resolve() for name, each in plugins("methods").items()},
    }
    for name, each in everything.items():
        if each == place:
            return module_of(name)
    return _module_in(path)


def _module_in(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"added_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickle look a class's module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
