"""Reading: every file that people write or hand on comes in here, and each fault is one line.

Files are read whole, but only up to a size. YAML is data alone: no tags, no aliases (a few lines of
them stand for gigabytes), nothing twice.
"""

from __future__ import annotations

import itertools
import json
import math
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown

LONGEST_YAML = 64 * 1024
"""Bytes of a card, a suite or a recipe: some seconds of PyYAML; the longest card has 7,000."""

LONGEST_JSON = 8 * 1024 * 1024
"""Bytes of a record or a study."""

DEEPEST = 40
"""Levels of lists and mappings in each other; a card has 6."""

LARGEST = 2**63
"""Whole numbers stay below, as in most formats."""

_Form = TypeVar("_Form", bound=BaseModel)


class UnreadableError(Exception):
    """What is wrong with a file or a text: one line, without the file's name."""

    def __init__(self, fault: str) -> None:
        super().__init__(shown(fault, 300))


def read_bytes(path: Path, longest: int) -> bytes:
    """Read a file whole.

    Args:
        path: the file.
        longest: how many bytes it may have.

    Raises:
        UnreadableError: if it is no ordinary file (a folder, a pipe, a device), too large, or
            closed to us.
    """
    try:
        # Asked before it is opened: to open a pipe is to wait for somebody who writes.
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableError("it is not an ordinary file")
        with path.open("rb") as stream:
            # To ask for more than there is would make room for it first.
            data = stream.read(min(found.st_size, longest) + 1)
            if len(data) > found.st_size:
                data += stream.read(longest + 1 - len(data))
    # A path with a zero byte in it is a ValueError.
    except (OSError, ValueError) as error:
        raise UnreadableError(getattr(error, "strerror", None) or str(error)) from error
    if len(data) > longest:
        raise UnreadableError(f"it is larger than {longest} bytes")
    return data


def read_text(path: Path, longest: int) -> str:
    """Read a text file whole; raises what `read_bytes` raises, also if it is not UTF-8."""
    try:
        return read_bytes(path, longest).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not UTF-8 at byte {error.start}") from error


def parse_json(text: str) -> dict[str, Any]:
    """What a JSON text holds.

    Raises:
        UnreadableError: if it is not JSON, no mapping, holds a key twice, is nested too deep, or
            has numbers or characters that nothing can be made of.
    """
    try:
        values = json.loads(text, object_pairs_hook=_mapping, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise UnreadableError(f"it is nested deeper than {DEEPEST} levels") from error
    # Of a whole number with more digits than Python reads, too.
    except ValueError as error:
        raise UnreadableError(f"it is not JSON: {error}") from error
    return _checked(values, text)


def parse_yaml(text: str) -> dict[str, Any]:
    """What a YAML text holds.

    Raises:
        UnreadableError: as of JSON, and if it has tags or aliases.
    """

    def parse() -> Any:
        _scan(text, _refuse_tags_and_aliases)
        # A loader for safe YAML, and only made stricter.
        return yaml.load(text, _Loader)

    return _checked(_yaml(parse), text)


def canonical_yaml(text: str) -> str:
    """A recipe's YAML, tags and aliases included, without comments and layout.

    Raises:
        UnreadableError: if it is not YAML, no mapping, or nested too deep.
    """

    def canonical() -> str:
        _scan(text, lambda event: None)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            raise UnreadableError("it holds no mapping")
        return str(yaml.serialize(node))

    return _yaml(canonical)


def fill(form: type[_Form], values: dict[str, Any]) -> _Form:
    """Make a model of values.

    Raises:
        UnreadableError: if they do not fit, with one thing that does not.
    """
    try:
        return form.model_validate(values)
    except ValidationError as error:
        # The innermost says most: of a choice of forms, it is of the one that was meant.
        worst = max(error.errors(), key=lambda each: len(each["loc"]))
        place = ".".join(map(str, worst["loc"]))
        given = worst["input"]
        told = f" (it is {shown(str(given), 60)})" if isinstance(given, str | int | float) else ""
        fault = f"{worst['msg'].removeprefix('Value error, ')}{told}"
        raise UnreadableError(f"{shown(place, 100)}: {fault}" if place else fault) from error


def read_source(kind: str, path: Path) -> str:
    """The text of a YAML file that people write, such as a card; `kind` is what errors call it.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        return read_text(path, LONGEST_YAML)
    except UnreadableError as error:
        raise UserError(f"The {kind} {path} cannot be read: {error}. Replace it.") from error


def parse_source(kind: str, form: type[_Form], text: str, path: Path) -> _Form:
    """Make a model of the text of such a file; `path` is what errors call it.

    Raises:
        UserError: if it is not YAML, or does not fit.
    """
    try:
        return fill(form, parse_yaml(text))
    except UnreadableError as error:
        raise UserError(f"The {kind} {path} is not valid. Mend this: {error}") from error


_Result = TypeVar("_Result")


def _yaml(work: Callable[[], _Result]) -> _Result:
    """Do what PyYAML may fail at."""
    try:
        return work()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise UnreadableError(f"{place}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise UnreadableError(str(error)) from error
    # Numbers and dates that look like ones and are none.
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"a value cannot be read: {error}") from error


def _scan(text: str, check: Callable[[yaml.Event], None]) -> None:
    """Look at the parts of a YAML text before anything is built of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise UnreadableError(f"{_line(event)}: it is nested deeper than {DEEPEST} levels")
        check(event)


def _refuse_tags_and_aliases(event: yaml.Event) -> None:
    if isinstance(event, yaml.AliasEvent):
        raise UnreadableError(f"{_line(event)}: it uses an alias (*{event.anchor}); write it out")
    if getattr(event, "tag", None):
        raise UnreadableError(f"{_line(event)}: it has a tag; leave it out")


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else "somewhere"


class _Loader(yaml.SafeLoader):
    """Safe YAML in which no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        values = super().construct_mapping(node, deep)
        if len(values) < len(node.value):
            raise yaml.constructor.ConstructorError(
                problem=_twice(key.value for key, _ in node.value), problem_mark=node.start_mark
            )
        return values


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise UnreadableError(_twice(key for key, _ in pairs))
    return values


def _twice(keys: Iterable[Any]) -> str:
    seen = set()
    for key in keys:
        if key in seen:
            return f"the key '{shown(str(key), 80)}' stands there twice"
        seen.add(key)
    # 1 and 01, say.
    return "two keys mean the same"


def _refuse_constant(name: str) -> Any:
    raise UnreadableError(f"it holds {name}, which is no number")


def _checked(values: Any, text: str) -> dict[str, Any]:
    """Refuse what no file of ours holds, whatever its fields are; `text` is what was parsed."""
    if not isinstance(values, dict):
        raise UnreadableError("it holds no mapping")
    # A text is whole. What was parsed from it is, too, unless halves were written as escapes.
    escapes = "\\" in text
    waiting: list[tuple[Any, int]] = [(values, 1)]
    while waiting:
        container, depth = waiting.pop()
        if depth > DEEPEST:
            raise UnreadableError(f"it is nested deeper than {DEEPEST} levels")
        named = isinstance(container, dict)
        # In one loop without calls: a record has hundreds of values, and there may be many records.
        for value in itertools.chain(container, container.values() if named else ()):
            kind = type(value)
            if kind is str:
                if escapes and not _is_whole(value):
                    raise UnreadableError("it holds half a character (a lone surrogate)")
            elif kind is float:
                # Neither infinite nor not a number.
                if not -math.inf < value < math.inf:
                    raise UnreadableError(f"it holds {value}, which is no number")
            elif kind is int:
                if not -LARGEST < value < LARGEST:
                    raise UnreadableError("it holds a whole number of more than 18 digits")
            elif kind is dict or kind is list:
                waiting.append((value, depth + 1))
    return values


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
