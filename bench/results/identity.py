"""Hashes that say what an artefact or a record was made from."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(identity: Mapping[str, Any]) -> str:
    """Hash a JSON-like mapping: 32 hexadecimal digits of SHA-256 over its canonical JSON."""
    return hashlib.sha256(_CANONICAL.encode(identity).encode()).hexdigest()[:32]


def file_digest(path: Path) -> str:
    """Hash a file's bytes: SHA-256 in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def code_digest(source: str) -> str:
    """Hash what Python code does: comments, docstrings and layout do not count.

    Args:
        source: the text of a Python module.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:32]


@cache
def numerics() -> dict[str, str]:
    """The packages whose version may change a number, with their versions."""
    return {name: version(name) for name in ("torch", "torchaudio", "speechbrain")}
