"""Sources: what a card says about where recordings come from, and how to read their labels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ser_unlearn.data.patterns import compiled
from ser_unlearn.data.voices import Synthesis
from ser_unlearn.results.names import Label

Codes = dict[str, dict[str, Label | None]]
"""What a label's text stands for, by field; null leaves the recording out."""


class Model(BaseModel):
    """A part of a card: nothing unknown, and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(Model):
    """Labels that stand in the columns of a table."""

    columns: dict[Literal["audio", "emotion", "speaker", "statement"], str | list[str]]
    """Which column holds what; several are joined by a hyphen, and `a{column}b` puts one between
    other letters."""
    extract: dict[Literal["emotion", "speaker", "statement"], str] | None = None
    """Regular expressions over a label's whole text: their groups, joined by a hyphen, are it."""

    @field_validator("columns")
    @classmethod
    def _name_both_labels(cls, columns: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        missing = {"emotion", "speaker"} - set(columns)
        if missing:
            raise ValueError(f"the columns lack {', '.join(sorted(missing))}")
        return columns

    @field_validator("extract")
    @classmethod
    def _have_groups(cls, extract: dict[str, str] | None) -> dict[str, str] | None:
        for field, pattern in (extract or {}).items():
            if not compiled(pattern).groups:
                raise ValueError(f"the pattern for {field} has no group (in parentheses)")
        return extract


class HubSource(Columns):
    """A data set on the Hugging Face hub, read through the `datasets` library."""

    kind: Literal["hub"]
    id: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    configuration: str | None = None
    split: str | list[str] = "train"
    codes: Codes = {}

    @property
    def splits(self) -> list[str]:
        """The names of its splits that are used."""
        return [self.split] if isinstance(self.split, str) else self.split


class LocalSource(Columns):
    """A data set of the `datasets` library in a local folder.

    `audiofolder`, Parquet, or what `save_to_disk` leaves.
    """

    kind: Literal["local"]
    split: str | list[str] | None = None
    """None for all that there are."""
    codes: Codes = {}

    @property
    def splits(self) -> list[str] | None:
        """The names of its splits that are used; None for all."""
        return [self.split] if isinstance(self.split, str) else self.split


class Table(Columns):
    """A table beside the recordings, which names each of them in its column `audio`."""

    file: str = Field(min_length=1)
    """Its path below the folder: CSV, TSV, JSON lines or Parquet."""

    @field_validator("columns")
    @classmethod
    def _name_recordings(cls, columns: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        if "audio" not in columns:
            raise ValueError("the columns lack audio, which names the files")
        return columns


class FolderSource(Model):
    """Files in a local folder, with their labels in their names, their paths or a table."""

    kind: Literal["folder"]
    pattern: str | None = None
    """A regular expression over the file's name, with groups emotion, speaker and statement."""
    path_pattern: str | None = None
    """The same over the path below the folder, with forward slashes."""
    table: Table | None = None
    codes: Codes = {}

    @field_validator("pattern", "path_pattern")
    @classmethod
    def _has_groups(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            missing = {"emotion", "speaker"} - set(compiled(pattern).groupindex)
            if missing:
                raise ValueError(f"the pattern lacks the named groups {', '.join(sorted(missing))}")
        return pattern

    @model_validator(mode="after")
    def _says_one_thing(self) -> FolderSource:
        if [self.pattern, self.path_pattern, self.table].count(None) != 2:
            raise ValueError("a folder source has one of pattern, path_pattern and table")
        return self


Source = Annotated[HubSource | LocalSource | FolderSource | Synthesis, Field(discriminator="kind")]
