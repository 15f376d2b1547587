"""What stands in the documents: blocks of code, commands, links and headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from checkouts import ROOT
from markdown_it import MarkdownIt
from markdown_it.token import Token

PAGES = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "datasets" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
)


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def tokens(page: Path) -> list[Token]:
    return MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))


def blocks(*languages: str) -> list[Block]:
    """The blocks of all pages that are in one of these languages."""
    return [
        Block(page, token.map[0] + 1, token.info, token.content)
        for page in PAGES
        for token in tokens(page)
        if token.type == "fence" and token.map and token.info in languages
    ]


def commands(block: Block) -> list[list[str]]:
    """The commands of a block of shell, divided into words."""
    lines = block.text.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    found: list[list[str]] = []
    for line in filter(None, words):
        found.append([])
        for word in line:
            if word == "&&":
                found.append([])
            else:
                found[-1].append(word)
    return found


def inline(page: Path, kind: str) -> Iterator[Token]:
    """The parts of a page's running text that are of a kind."""
    for token in tokens(page):
        yield from (each for each in token.children or [] if each.type == kind)


def anchors(page: Path) -> set[str]:
    """What a link can lead to in a page, as GitHub names its headings."""
    found = tokens(page)
    titles = [
        "".join(part.content for part in after.children or [])
        for token, after in pairwise(found)
        if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
