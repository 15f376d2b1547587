"""Checks of what a method's file says: its fields, its words, and what it imports."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json

import ser_unlearn
from ser_unlearn.checks.subjects import CheckError, Subject
from ser_unlearn.recogniser.layouts import LAYOUTS
from ser_unlearn.unlearning.declared import DATA
from ser_unlearn.unlearning.method import DELIBERATE


def check_fields(subject: Subject) -> None:
    """It constructs with its defaults, and its fields are plain JSON."""
    fields = dataclasses.asdict(subject.cls())
    if json.loads(json.dumps(fields)) != fields:
        raise CheckError(f"its fields {fields} do not survive JSON: use bool, int, float or str")
    changes = [subject.cls.smoke, *subject.cls.variants.values()]
    unknown = {name for change in changes for name in change} - set(fields)
    if unknown:
        raise CheckError(f"smoke or variants name {', '.join(unknown)}, which is no field")
    families = {layout.family for layout in LAYOUTS}
    for family, values in subject.cls.presets.items():
        if family not in families:
            raise CheckError(f"presets name {family}; known: {', '.join(sorted(families))}")
        try:
            subject.cls(**values)
        except (TypeError, ValueError) as error:
            raise CheckError(f"its presets for {family} do not fit: {error}") from error


def check_documentation(subject: Subject) -> None:
    """Its docstring has a summary and explains every field; it names a paper and known data."""
    text = inspect.getdoc(subject.cls) or ""
    missing = [
        field.name for field in dataclasses.fields(subject.cls) if f"{field.name}:" not in text
    ]
    if missing:
        raise CheckError(f"its docstring does not explain {', '.join(missing)} under Attributes")
    if not subject.info.summary.endswith("."):
        raise CheckError("the first paragraph of its docstring is not a sentence")
    unknown = subject.info.needs - set(DATA)
    if unknown:
        raise CheckError(f"needs names {', '.join(unknown)}; known: {', '.join(DATA)}")
    for name, reason in subject.cls.deliberate.items():
        if name not in DELIBERATE:
            raise CheckError(f"deliberate names {name}; known: {', '.join(DELIBERATE)}")
        if not reason:
            raise CheckError(f"deliberate gives no reason for {name}")


def check_imports(subject: Subject) -> None:
    """Of the harness it imports only what `ser_unlearn` itself offers."""
    for node in ast.walk(ast.parse(subject.path.read_text(encoding="utf-8"))):
        modules = []
        if isinstance(node, ast.Import):
            modules = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
            offered = {*ser_unlearn.__all__, "methods"}
            if node.module == "ser_unlearn":
                modules += [
                    f"ser_unlearn.{each.name}" for each in node.names if each.name not in offered
                ]
        for module in modules:
            inner = module.startswith("ser_unlearn.")
            if inner and not f"{module}.".startswith("ser_unlearn.methods."):
                raise CheckError(f"it imports {module}, which is the harness's own")
