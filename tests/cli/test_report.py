"""`report`, and how wide `table` is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fields import field, write
from toys import make_record

from ser_unlearn.cli import main
from ser_unlearn.results.records import write_record


def invoke(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def test_a_page_and_figures_are_written(tmp_path: Path):
    write_record(tmp_path / "results", make_record())
    page, figures = tmp_path / "new" / "page.html", tmp_path / "figures"
    done = invoke("report", "--results", tmp_path / "results", "--page", page, "--figures", figures)
    assert done.exit_code == 0, done.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"Wrote {len(list(figures.iterdir()))} files to {figures}." in done.output


@pytest.mark.parametrize("option", ["--page", "--figures"])
def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path: Path, option: str):
    (tmp_path / "file").write_text("")
    page = tmp_path / "page.html"
    done = invoke("report", "--page", page, option, tmp_path / "file" / "below" / "x")
    assert done.exit_code == 2
    assert f"{option}: nothing can be written to the folder" in done.output
    assert not page.exists()


def test_without_records_there_is_nothing_to_report(tmp_path: Path):
    done = invoke("report", "--results", tmp_path / "none", "--page", tmp_path / "page.html")
    assert done.exit_code == 2
    assert "Run something first" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_is_as_wide_as_the_terminal(
    tmp_path: Path, columns: int, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, field())
    monkeypatch.setenv("COLUMNS", str(columns))
    done = invoke("table", "--results", tmp_path)
    assert columns - 25 < max(map(len, done.output.splitlines())) <= columns
    done = invoke("table", "--results", tmp_path, "--wide")
    assert max(map(len, done.output.splitlines())) > columns
