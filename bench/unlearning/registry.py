"""Which methods there are, read from their files without running them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.plugins import plugins
from ser_unlearn.results.identity import code_digest, digest
from ser_unlearn.results.names import check_name, shown
from ser_unlearn.results.reading import LARGEST, UnreadableError, read_text
from ser_unlearn.unlearning.declared import (
    algorithm,
    constants,
    method_classes,
    parameters,
)
from ser_unlearn.unlearning.sources import METHODS, helpers, module_of, own_methods

if TYPE_CHECKING:
    from ser_unlearn.results.records import Tuned
    from ser_unlearn.unlearning.method import Method

LONGEST_CODE = 1024 * 1024
"""Bytes of a method's file."""


@dataclass(frozen=True)
class MethodInfo:
    """What a method's file says about it."""

    name: str
    summary: str
    reference: str
    needs: frozenset[str]
    variants: tuple[str, ...]
    path: Path
    presets: Mapping[str, Mapping[str, Any]]
    """By a family of recipes: fields and their values."""
    parameters: Mapping[str, Mapping[str, Any]] | None
    """Of the method, under "", and of each variant; None where only the file, run, can tell."""
    added: bool = False
    """Whether the user named the file: it is neither in `methods/` nor in an installed package."""

    @property
    def rows(self) -> list[str]:
        """The rows that the method has in a table: its own name, then one for each variant."""
        return [self.name, *(f"{self.name}-{variant}" for variant in self.variants)]

    @property
    def code(self) -> str:
        """Hash of the method's code and of the helper files that it imports.

        Whatever a row's parameters say is no part of it: another default makes other rows stale
        only where it is their value.
        """
        sources: dict[str, str] = {}
        waiting = [self.path]
        while waiting:
            path = waiting.pop()
            text = path.read_text(encoding="utf-8")
            sources[path.name] = code_digest(algorithm(text) if path == self.path else text)
            waiting += [each for each in helpers(path, text) if each.name not in sources]
        return digest(sources)


def list_methods(folder: Path = METHODS) -> dict[str, MethodInfo]:
    """Every method in the folder by its name, sorted; with `methods/`, all of installed packages.

    Raises:
        UserError: if a file is not one method.
    """
    found = own_methods(folder)
    if folder == METHODS:
        found |= {name: each.path for name, each in plugins("methods", found).items()}
    return {name: read_method(path, name) for name, path in sorted(found.items())}


def read_method(path: Path, name: str | None = None) -> MethodInfo:
    """Read a method's file without running it; a method is called what its file is, if not `name`.

    Raises:
        UserError: if the file does not hold exactly one class that derives from `Method`, or the
            class lacks its docstring, reference or needs.
    """
    try:
        tree = ast.parse(read_text(path, LONGEST_CODE))
    # A zero byte is a ValueError, and brackets can stand too deep in each other.
    except (UnreadableError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(
            f"The method file {path} is not valid Python. Mend this: {shown(str(error), 300)}"
        ) from error
    classes = method_classes(tree)
    if len(classes) != 1:
        raise UserError(
            f"The method file {path} holds {len(classes)} classes that derive from Method. "
            "Write exactly one; start the names of helper files with an underscore."
        )
    found = constants(classes[0])
    summary = (ast.get_docstring(classes[0]) or "").split("\n\n")[0].replace("\n", " ")
    missing = [key for key in ("reference", "needs") if key not in found]
    missing += [] if summary else ["a docstring"]
    if missing:
        raise UserError(
            f"The method in {path} lacks {' and '.join(missing)}. "
            "Give it as a literal in the class; see 'Add a method' in the README."
        )
    return MethodInfo(
        name or path.stem,
        summary,
        str(found["reference"]),
        frozenset(found["needs"]),
        tuple(found.get("variants", {})),
        path,
        found.get("presets", {}),
        parameters(classes[0]),
    )


@dataclass(frozen=True)
class Row:
    """A row of the tables: a method with all its parameters.

    `label` names it: the method, its variant, and what the user or tuning changed.
    """

    label: str
    method: str
    needs: frozenset[str]
    reference: str
    parameters: Mapping[str, Any]
    code: str
    """Hash of the method's code."""
    tuned: Tuned | None = None
    """None for parameters that tuning did not find."""
    path: Path | None = None
    """The method's file, if it is neither in `methods/` nor in an installed package."""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the fields that the user did not set become, by a family of recipes."""

    def under(self, family: str) -> Row:
        """The row as it runs with recipes of a family."""
        changes = self.presets.get(family, {})
        return replace(self, parameters={**self.parameters, **changes}) if changes else self


def resolve(row: str, overrides: Mapping[str, Mapping[str, str]]) -> Row:
    """Give a row of a table all its parameters.

    Args:
        row: a method's name, or a method and one of its variants ("adversarial-adv"), or the path
            of a method's file.
        overrides: field and value, as text, by method's name.

    Raises:
        UserError: if there is no such method, variant or field, or a value has the wrong type.
    """
    return resolve_all([row], overrides)[0]


def resolve_all(
    wanted: Sequence[str] | None, overrides: Mapping[str, Mapping[str, str]]
) -> list[Row]:
    """The same of several rows; None for every row of every method."""
    known = list_methods()
    added = {name: _added(Path(name), known) for name in wanted or () if _is_file(name)}
    known |= {info.name: info for info in added.values()}
    infos = {row: info for info in known.values() for row in info.rows}
    names = list(infos) if wanted is None else wanted
    names = [added[name].name if name in added else name for name in names]
    for row in names:
        if row not in infos:
            raise unknown_name("method", row, infos)
    codes = {info.name: info.code for info in {row: infos[row] for row in names}.values()}
    return [_row(row, infos[row], codes[infos[row].name], overrides) for row in names]


def _is_file(name: str) -> bool:
    return name.endswith(".py") and Path(name).is_file()


def _added(path: Path, known: Mapping[str, MethodInfo]) -> MethodInfo:
    """What a file says that the user named."""
    info = replace(read_method(path.resolve()), added=True)
    if info.name not in known:
        return info
    if known[info.name].path.resolve() == info.path:
        return known[info.name]
    raise UserError(f"There is a method '{info.name}' already. Give the file {path} another name.")


def _row(row: str, info: MethodInfo, code: str, overrides: Mapping[str, Mapping[str, str]]) -> Row:
    method, variant = info.name, row.removeprefix(info.name).removeprefix("-")
    label, changes = row, overrides.get(method, {})
    # A method's file is not run where it is enough to read it: that would import torch.
    if info.parameters is not None and not changes:
        values = info.parameters[variant]
    else:
        cls = load_class(method, info.path if info.added else None)
        changed = {
            field: convert(cls, method, field, text) for field, text in sorted(changes.items())
        }
        own = cls.variants[variant] if variant else {}
        values = dataclasses.asdict(_instance(cls, row, {**own, **changed}))
        if changed:
            settings = ",".join(f"{field}={_as_text(value)}" for field, value in changed.items())
            label += f"[{settings}]"
    check_name("row", label, in_path=True)
    presets = {
        family: {field: value for field, value in fields.items() if field not in changes}
        for family, fields in info.presets.items()
    }
    return Row(
        label,
        method,
        info.needs,
        info.reference,
        dict(values),
        code,
        presets=presets,
        path=info.path if info.added else None,
    )


def check_classes(rows: Iterable[Row]) -> None:
    """Refuse rows whose parameters were read, if the methods' classes do not bear them out.

    Raises:
        UserError: if a file cannot be imported, or its class refuses the parameters or changes
            them.
    """
    for row in rows:
        instance = _instance(load_class(row.method, row.path), row.label, row.parameters)
        if dataclasses.asdict(instance) != row.parameters:
            raise UserError(
                f"The method '{row.method}' has other parameters than its class declares. "
                "Write each default once, with its field, and leave it as it is."
            )


def _instance(cls: type[Method], row: str, parameters: Mapping[str, Any]) -> Method:
    """A method with parameters.

    Raises:
        UserError: if its class refuses them.
    """
    try:
        return cls(**parameters)
    # A contributor's class may raise anything.
    except Exception as error:
        given = ", ".join(f"{field}={_as_text(value)}" for field, value in parameters.items())
        raise UserError(
            f"The method '{row}' refuses its parameters ({shown(given, 200) or 'the defaults'}): "
            f"{shown(str(error), 200).rstrip('.')}. Give it others."
        ) from error


def load_class(method: str, path: Path | None = None) -> type[Method]:
    """Import a method's class.

    Args:
        method: its name.
        path: its file, if it is neither in `methods/` nor in an installed package.

    Raises:
        UserError: if the file cannot be imported.
    """
    try:
        module = module_of(method, path)
    # A contributor's file may raise anything.
    except Exception as error:
        raise UserError(
            f"The method '{method}' cannot be imported. "
            f"Mend this in its file: {type(error).__name__}: {shown(str(error), 300)}"
        ) from error
    return method_class(module)


def info_of(row: Row) -> MethodInfo:
    """What the file of a row's method says."""
    return list_methods()[row.method] if row.path is None else read_method(row.path)


def method_class(module: ModuleType) -> type[Method]:
    """The class in a module that derives from `Method`."""
    from ser_unlearn.unlearning.method import Method

    return next(
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Method)
        and value.__module__ == module.__name__
    )


def convert(cls: type[Method], method: str, field: str, text: str) -> Any:
    """Turn a value given as text into the type of a method's field.

    Raises:
        UserError: if there is no such field, or the text is not of its type.
    """
    types = typing.get_type_hints(cls)
    fields = [each.name for each in dataclasses.fields(cls)]
    if field not in fields:
        raise unknown_name(f"parameter of {method}", field, fields)
    kind = types[field]
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        value = kind(text)
        if kind is not str and not -LARGEST < value < LARGEST:
            raise ValueError("it is infinite, not a number, or as good as infinite")
        return value
    except (ValueError, KeyError) as error:
        wanted = "true or false" if kind is bool else f"of type {kind.__name__}"
        text = shown(text, 40)
        raise UserError(
            f"--set {method}.{field}={text}: '{text}' is not {wanted}. "
            f"The default is {_as_text(getattr(cls, field))}."
        ) from error


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
