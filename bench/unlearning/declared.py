"""What the class in a method's file declares, read without running the file."""

from __future__ import annotations

import ast
from typing import Any

DATA = {
    "forget": "the forget set",
    "retain": "the retain set",
    "validation": "unseen utterances of the training speakers, apart from the held-out set",
    "statistics": (
        "statistics kept from training: importances of the weights over the whole training set"
    ),
}
"""What a method may declare in `needs`."""

ASIDE = frozenset({"presets", "reference", "search_space", "smoke", "variants"})
"""Class attributes of a method that set parameters, or are for people, tuning and checks alone."""

KINDS = frozenset({"bool", "int", "float", "str"})
"""The types of fields."""


def method_classes(tree: ast.Module) -> list[ast.ClassDef]:
    """The classes of a module that derive from `Method`."""
    return [
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Method" for base in node.bases)
    ]


def algorithm(source: str) -> str:
    """A method's code, without what says nothing of what it does once its parameters are given.

    Left out are the defaults of hyper-parameters, and the class attributes in `ASIDE`.
    """
    tree = ast.parse(source)
    for node in method_classes(tree):
        node.body = [each for each in node.body if _target(each) not in ASIDE]
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and not _is_class_variable(statement):
                statement.value = None
    return ast.unparse(tree)


def _target(statement: ast.stmt) -> str | None:
    """The name that a statement assigns to; None if it is no such statement."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return None
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    return target.id if isinstance(target, ast.Name) else None


def constants(node: ast.ClassDef) -> dict[str, Any]:
    """The class attributes that are literals; `frozenset({...})` counts as one."""
    found = {}
    for statement in node.body:
        name = _target(statement)
        if name is None:
            continue
        assert isinstance(statement, ast.Assign | ast.AnnAssign)
        value = statement.value or ast.Constant(None)
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Name)
            and value.func.id == "frozenset"
        ):
            value = value.args[0] if value.args else ast.Tuple([])
        try:
            found[name] = ast.literal_eval(value)
        except ValueError:
            continue
    return found


def parameters(node: ast.ClassDef) -> dict[str, dict[str, Any]] | None:
    """All parameters of a method, under "", and of each of its variants.

    None where the class's own text does not say it all: it inherits from another class beside
    `Method`, or a value is computed, or the class's body does more than to declare.
    """
    own = _defaults(node)
    if own is None:
        return None
    variants = constants(node).get("variants", {})
    if not all(
        field in own and type(value).__name__ in KINDS
        for changes in variants.values()
        for field, value in changes.items()
    ):
        return None
    return {"": own, **{name: {**own, **changes} for name, changes in variants.items()}}


def _defaults(node: ast.ClassDef) -> dict[str, Any] | None:
    """The fields in their order, with the values that they have unless they are changed."""
    if len(node.bases) != 1 or node.keywords:
        return None
    if [ast.unparse(each) for each in node.decorator_list] != ["dataclass(frozen=True)"]:
        return None
    known = constants(node)
    found: dict[str, Any] = {}
    others: set[str] = set()
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name, kind = statement.target.id, ast.unparse(statement.annotation)
            if kind in KINDS and type(known.get(name)).__name__ in KINDS:
                found[name] = known[name]
            elif _is_class_variable(statement):
                others.add(name)
            else:
                return None
        elif isinstance(statement, ast.Assign):
            others.update(each.id for each in statement.targets if isinstance(each, ast.Name))
        elif isinstance(statement, ast.FunctionDef):
            others.add(statement.name)
        elif not isinstance(statement, ast.Expr):
            return None
    # A name that stands twice means what it means last.
    return None if others & found.keys() else found


def _is_class_variable(statement: ast.AnnAssign) -> bool:
    return ast.unparse(statement.annotation).partition("[")[0] == "ClassVar"
