"""Labels: from what a source says of a recording to what the card calls it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import commonpath
from typing import Any

from ser_unlearn.data.audio import LONGEST_FILE
from ser_unlearn.data.cards import Card
from ser_unlearn.data.origins import Codes, Columns
from ser_unlearn.data.patterns import matcher
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import check_name, shown
from ser_unlearn.results.reading import UnreadableError, read_bytes

FIELDS = ("emotion", "speaker", "statement")

MOST_SHOWN = 3
"""Names that a message gives as examples."""


@dataclass(frozen=True)
class Entry:
    """A recording with its labels: a file, or what gives its bytes."""

    name: str
    emotion: str
    speaker: str
    statement: str
    path: Path | None = None
    data: Callable[[], bytes] | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Emotion, speaker and statement."""
        return {field: getattr(self, field) for field in FIELDS}

    def read(self) -> bytes:
        """The recording's file, whole.

        Raises:
            UserError: if it cannot be read.
        """
        if self.data is not None:
            return self.data()
        assert self.path is not None
        try:
            return read_bytes(self.path, LONGEST_FILE)
        except UnreadableError as error:
            raise unreadable(self.path, error) from error


def unreadable(path: Path, fault: object) -> UserError:
    """The error for a recording that cannot be read."""
    return UserError(
        f"The recording {path} cannot be read: {fault}. "
        "Replace the file, or list it in the card under `faults.exclude`."
    )


class LabelError(UserError):
    """Something is wrong with the labels of recordings; `faults` holds a line for each."""

    def __init__(self, faults: Sequence[str]) -> None:
        more = len(faults) - 1
        others = f" ({more} more have faults; `ser-unlearn check-corpus` lists them.)"
        super().__init__(faults[0] + (others if more else ""))
        self.faults = faults


Texts = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""What a source says of a recording's labels, by field; or what finds that out."""


class Labelling:
    """Gives recordings the labels that their texts stand for.

    Args:
        card: the corpus's card.
        codes: what texts stand for.
    """

    def __init__(self, card: Card, codes: Codes) -> None:
        self._card = card
        self._codes = codes
        self._entries: list[Entry] = []
        self._faults: list[str] = []

    def add(
        self,
        name: str,
        texts: Texts,
        path: Path | None = None,
        data: Callable[[], bytes] | None = None,
    ) -> None:
        """Take a recording, unless the card leaves it out."""
        if name in self._card.faults.exclude:
            return
        try:
            found = texts() if callable(texts) else texts
            labels = self._labels(path.name if path else name, found)
            if labels is not None:
                self._check(name, labels)
                self._entries.append(Entry(name, **labels, path=path, data=data))
        except UserError as error:
            self._faults.append(str(error))

    def entries(self) -> list[Entry]:
        """The recordings, in the order in which they came.

        Raises:
            LabelError: if one has a label that is unknown to the card, or cannot be one.
        """
        if self._faults:
            raise LabelError(self._faults)
        return self._entries

    def _labels(self, called: str, texts: Mapping[str, str]) -> dict[str, str] | None:
        labels = dict.fromkeys(FIELDS, "")
        for field, text in texts.items():
            label = _translate(self._codes, field, text, called)
            if label is None:
                return None
            labels[field] = label
        known = self._card.emotions
        # A card that is being drafted has none yet.
        if known and labels["emotion"] not in known:
            raise UserError(
                f"'{called}' has the emotion '{shown(labels['emotion'], 80)}', which the card "
                f"'{self._card.name}' does not list. Known: {', '.join(known)}."
            )
        return labels

    def _check(self, name: str, labels: Mapping[str, str]) -> None:
        check_name("recording", name)
        check_name(f"emotion of '{name}',", labels["emotion"])
        check_name(f"speaker of '{name}',", labels["speaker"])
        if labels["statement"]:
            check_name(f"statement of '{name}',", labels["statement"])


def _translate(codes: Codes, field: str, code: str, name: str) -> str | None:
    if field not in codes:
        return code
    if code not in codes[field]:
        raise UserError(
            f"'{name}' has the {field} code '{shown(code, 80)}', which the card does not know. "
            f"Add it to the card's `codes`, or list the file under `faults.exclude`."
        )
    return codes[field][code]


class Reader:
    """Reads labels from the columns of a table.

    Args:
        said: which columns hold them.
        known: the table's columns.
        table: what errors call it.

    Raises:
        UserError: if a column is not there.
    """

    def __init__(self, said: Columns, known: Sequence[str], table: str) -> None:
        self._templates: dict[str, str] = {
            field: _template(columns) for field, columns in said.columns.items()
        }
        self._extract = {
            field: (pattern, matcher(pattern)) for field, pattern in (said.extract or {}).items()
        }
        self._known = known
        self._table = table
        for column in sorted(self.columns):
            self.require(column)

    def require(self, column: str) -> None:
        """Refuse a column that is not there."""
        if column not in self._known:
            raise UserError(
                f"{self._table} has no column '{shown(column, 80)}', which the card names. "
                f"It has {shown(', '.join(self._known), 200)}."
            )

    @property
    def columns(self) -> set[str]:
        """The columns that are read."""
        return {name for each in self._templates.values() for name in _names_in(each)}

    def texts(self, row: Mapping[str, Any], name: str) -> dict[str, str]:
        """The texts of a row's labels, by field.

        Args:
            row: values by column.
            name: what errors call the recording.

        Raises:
            UserError: if an expression for one does not fit it.
        """
        found: dict[str, str] = {}
        for field in FIELDS:
            if field in self._templates:
                found[field] = self._extracted(field, self.text(field, row), name)
        return found

    def text(self, field: str, row: Mapping[str, Any]) -> str:
        """What a row's columns say of a field."""
        return re.sub(r"\{([^{}]+)\}", lambda each: _text(row[each[1]]), self._templates[field])

    def _extracted(self, field: str, text: str, name: str) -> str:
        if field not in self._extract:
            return text
        pattern, match = self._extract[field]
        found = match(text)
        if found is None:
            raise UserError(
                f"'{name}' has the {field} '{shown(text, 80)}', which the card's `extract` "
                f"{shown(pattern, 100)} does not match. Mend it, or list the recording under "
                "`faults.exclude`."
            )
        return "-".join(group for group in found.groups() if group is not None)


def _template(columns: str | list[str]) -> str:
    if isinstance(columns, str) and "{" in columns:
        return columns
    return "-".join(f"{{{each}}}" for each in ([columns] if isinstance(columns, str) else columns))


def _names_in(template: str) -> list[str]:
    return re.findall(r"\{([^{}]+)\}", template)


def _text(value: Any) -> str:
    """A value as text: no decimal point in whole numbers, nothing for nothing."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def name_of(path: str) -> str:
    """A recording's name: its file's, without folder and ending."""
    return PurePosixPath(path).stem


def names_of(paths: Sequence[str]) -> list[str]:
    """The names of recordings: their files', and with the folders where two files share one."""
    names = [name_of(path) for path in paths]
    if len(set(names)) == len(names):
        return names
    # Those below a folder are relative, and others may be not.
    pure = [PurePosixPath(path.lstrip("/")) for path in paths]
    shared = len(PurePosixPath(commonpath(path.parent for path in pure)).parts)
    return ["-".join(path.with_suffix("").parts[shared:]) for path in pure]


def below(path: Path, folder: Path | None) -> str:
    """A path below a folder, with forward slashes; the whole path if it lies elsewhere."""
    inside = folder is not None and path.is_relative_to(folder)
    return (path.relative_to(folder) if folder and inside else path).as_posix()


def check_names(names: Iterable[str]) -> None:
    """Refuse names that stand more than once."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"There is more than one file called {twice[0]}. Keep one of each name.")


def some(names: Sequence[str]) -> str:
    """A few of many names, for a message."""
    few = ", ".join(shown(name, 80) for name in names[:MOST_SHOWN])
    more = len(names) - MOST_SHOWN
    return f"{few} and {more} more" if more > 0 else few
