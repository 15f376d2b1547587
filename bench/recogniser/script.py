"""A recipe's file before it is run: what of it is to be run, and with which values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from ser_unlearn.results.reading import UnreadableError, canonical_yaml

_REFERENCE = re.compile(r"<([^<>\[\].]+)")
_WHOLE_REFERENCE = re.compile(r"<([^<>\[\].]+)>")

OUTPUTS = ("n_emotions", "out_n_neurons")
"""Names that recipes give to the number of emotions."""

ARGUMENTS = ("out_neurons", "n_neurons", "out_features")
"""Names that the modules of SpeechBrain and torch give to the number of their outputs."""


class Script:
    """The file as a tree of YAML, of which nothing has been run.

    Args:
        text: of the file.

    Raises:
        UnreadableError: if it is not YAML, or no mapping.
    """

    def __init__(self, text: str) -> None:
        root = yaml.compose(canonical_yaml(text), Loader=yaml.SafeLoader)
        assert isinstance(root, MappingNode)
        self._root = root

    @property
    def keys(self) -> list[str]:
        """The keys of the file, in their order."""
        return [key.value for key, _ in self._root.value]

    @property
    def text(self) -> str:
        """The tree as it is now."""
        return str(yaml.serialize(self._root))

    def keep(self, wanted: Iterable[str]) -> None:
        """Drop all but some keys and what they refer to."""
        kept, waiting = set(), [key for key in wanted if key in self.keys]
        while waiting:
            key = waiting.pop()
            if key not in kept:
                kept.add(key)
                waiting += [each for each in _references(self._at(key)) if each in self.keys]
        self._root.value = [pair for pair in self._root.value if pair[0].value in kept]

    def set_outputs(self, module: str, count: int) -> None:
        """Let a module have so many outputs, whatever the file calls their number.

        Raises:
            UnreadableError: if nothing in the file says how many they are.
        """
        named = [key for key in OUTPUTS if key in self.keys]
        for key in named:
            self._set(self._root, key, str(count))
        node = self._at(module)
        arguments = [key.value for key, _ in _pairs(node) if key.value in ARGUMENTS]
        if not (named or arguments):
            raise UnreadableError(
                f"nothing in '{module}' says how many outputs it has; call their number n_emotions"
            )
        for argument in arguments:
            self._set_source(node, argument, str(count))

    def set_argument(self, module: str, argument: str, value: str) -> None:
        """Let a module be made with this text for an argument."""
        self._set(self._at(module), argument, value, "tag:yaml.org,2002:str")

    def argument(self, module: str, argument: str) -> str:
        """The text of a module's argument, where it is one, or refers to one.

        Raises:
            UnreadableError: if it is neither.
        """
        found = next(
            (value for key, value in _pairs(self._at(module)) if key.value == argument), None
        )
        for _ in self.keys:
            if isinstance(found, ScalarNode) and (key := self._refers_to(found)):
                found = self._at(key)
        if not isinstance(found, ScalarNode) or not found.value or found.tag.startswith("!"):
            raise UnreadableError(f"the '{argument}' of '{module}' is no text")
        return str(found.value)

    @property
    def folders(self) -> list[str]:
        """The keys of what the file calls a folder, and of what it leaves open."""
        return [
            key.value
            for key, value in _pairs(self._root)
            if key.value.endswith(("_folder", "_dir")) or value.tag == "!PLACEHOLDER"
        ]

    def place_folders(self, folder: Path) -> None:
        """Let `folders` lie in this one."""
        for key in self.folders:
            self._set(self._root, key, str(folder / key), "tag:yaml.org,2002:str")

    def _at(self, key: str) -> Node:
        return {found.value: value for found, value in _pairs(self._root)}[key]

    def _refers_to(self, node: Node) -> str | None:
        """The key that a node refers to and nothing else."""
        if not isinstance(node, ScalarNode) or node.tag not in ("!ref", "!copy"):
            return None
        found = _WHOLE_REFERENCE.fullmatch(node.value.strip())
        return found[1] if found and found[1] in self.keys else None

    def _set_source(self, node: Node, key: str, value: str) -> None:
        """Set a value where it comes from, so that all that follows it follows."""
        current = next(each for name, each in _pairs(node) if name.value == key)
        source = self._refers_to(current)
        if source is None or not isinstance(self._at(source), ScalarNode):
            self._set(node, key, value)
        else:
            self._set_source(self._root, source, value)

    def _set(self, node: Node, key: str, value: str, tag: str = "tag:yaml.org,2002:int") -> None:
        pairs = [pair for pair in _pairs(node) if pair[0].value != key]
        place = next(
            (place for place, pair in enumerate(_pairs(node)) if pair[0].value == key), len(pairs)
        )
        pairs.insert(place, (ScalarNode("tag:yaml.org,2002:str", key), ScalarNode(tag, value)))
        node.value = pairs


def _pairs(node: Node) -> list[tuple[Node, Node]]:
    return node.value if isinstance(node, MappingNode) else []


def _references(node: Node) -> Iterator[str]:
    """What the texts below a node refer to."""
    if isinstance(node, ScalarNode):
        yield from _REFERENCE.findall(node.value)
    elif isinstance(node, SequenceNode):
        for each in node.value:
            yield from _references(each)
    elif isinstance(node, MappingNode):
        for _, each in node.value:
            yield from _references(each)
