"""Tables of labels: CSV, TSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown
from ser_unlearn.results.reading import UnreadableError, parse_json, read_text

LONGEST_TABLE = 256 * 1024 * 1024
"""Bytes of a table of labels."""

SEPARATORS = {".csv": ",", ".tsv": "\t"}

FORMS = (*SEPARATORS, ".jsonl", ".parquet")
"""Endings of tables that can be read."""


@dataclass(frozen=True)
class Table:
    """What a table holds: values by column, row by row."""

    columns: list[str]
    rows: list[dict[str, Any]]


def read_table(path: Path) -> Table:
    """Read a table whole; what it holds beside text and numbers is left out.

    Raises:
        UserError: if it is no table that can be read, or holds no row.
    """
    try:
        table = _READERS[path.suffix.lower()](path)
    except KeyError:
        raise UserError(
            f"The table {path} is none that can be read. Use one of {', '.join(FORMS)}."
        ) from None
    except UnreadableError as error:
        raise UserError(f"The table {path} cannot be read: {error}. Mend it.") from error
    if not table.rows:
        raise UserError(f"The table {path} holds no row. Mend it.")
    return table


def _read_separated(path: Path) -> Table:
    # Spreadsheets put a mark before the first column's name.
    text = read_text(path, LONGEST_TABLE).removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=SEPARATORS[path.suffix.lower()])
    try:
        lines = [(reader.line_num, line) for line in reader if line]
    except csv.Error as error:
        raise UnreadableError(f"line {reader.line_num}: {error}") from error
    if not lines:
        return Table([], [])
    columns = lines[0][1]
    for number, line in lines[1:]:
        if len(line) != len(columns):
            raise UnreadableError(
                f"line {number} has {len(line)} values for {len(columns)} columns"
            )
    _check_columns(columns)
    return Table(columns, [dict(zip(columns, line, strict=True)) for _, line in lines[1:]])


def _read_lines(path: Path) -> Table:
    rows = []
    for number, line in enumerate(read_text(path, LONGEST_TABLE).splitlines(), 1):
        if line.strip():
            try:
                rows.append(parse_json(line))
            except UnreadableError as error:
                raise UnreadableError(f"line {number}: {error}") from error
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return Table(columns, [{column: row.get(column) for column in columns} for row in rows])


def _read_parquet(path: Path) -> Table:
    with opened(path) as file:
        plain = plain_columns(file.schema_arrow)
        return Table(plain, rows_of(file, plain))


_READERS = {".csv": _read_separated, ".tsv": _read_separated}
_READERS |= {".jsonl": _read_lines, ".parquet": _read_parquet}


def _check_columns(columns: Sequence[str]) -> None:
    for column in columns:
        if columns.count(column) > 1:
            raise UnreadableError(f"two columns are called '{shown(column, 80)}'")


def opened(path: Path) -> Any:
    """A Parquet file (`pyarrow.parquet.ParquetFile`).

    Raises:
        UnreadableError: if it is none.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if not path.is_file():
        raise UnreadableError("there is no such file")
    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"it is not Parquet: {error}") from error


def plain_columns(schema: Any) -> list[str]:
    """The columns of an Arrow schema that hold text or numbers."""
    from pyarrow import types

    kinds = [types.is_string, types.is_large_string, types.is_integer, types.is_floating]
    kinds += [types.is_boolean, types.is_dictionary, types.is_null]
    return [field.name for field in schema if any(is_kind(field.type) for is_kind in kinds)]


def rows_of(file: Any, columns: list[str]) -> list[dict[str, Any]]:
    """Rows of a Parquet file: some columns, with names in place of the numbers of class labels.

    Raises:
        UnreadableError: if it is damaged.
    """
    import pyarrow as pa

    try:
        rows: list[dict[str, Any]] = file.read(columns=columns).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"it is damaged: {error}") from error
    for column, names in _class_labels(file.schema_arrow):
        for row in rows:
            number = row.get(column)
            if isinstance(number, int) and 0 <= number < len(names):
                row[column] = names[number]
    return rows


def _class_labels(schema: Any) -> Iterator[tuple[str, list[str]]]:
    """The columns that the `datasets` library has noted as class labels, and their names."""
    noted = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(noted)["info"]["features"] if noted else {}
        for column, feature in features.items():
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
                yield column, [str(name) for name in feature["names"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(f"its note by `datasets` is damaged: {error}") from error
