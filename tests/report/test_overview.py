"""The one table of all methods."""

from __future__ import annotations

from pathlib import Path

import pytest
from fields import field, leaderboard_of, write

from ser_unlearn.report.leaderboard import FIGURES, is_current, write_leaderboard
from ser_unlearn.report.lines import lines, over_tables
from ser_unlearn.report.links import file_of, paper_address
from ser_unlearn.report.overview import HEADERS, overview
from ser_unlearn.report.standings import DISCIPLINES


def cells():
    return {row[0].split("]")[0].strip("["): row for row in overview(over_tables(lines(field())))}


def test_it_has_seven_columns_and_every_method():
    assert len(HEADERS) == 7
    assert {len(row) for row in cells().values()} == {7}
    assert len(cells()) == 7


def test_a_method_leads_to_its_file_and_its_paper():
    assert cells()["npo"] == [
        "[npo](methods/npo.py) ([paper](https://arxiv.org/abs/2404.05868)), +",
        "forget",
        cells()["npo"][2],
        "0 of 18",
        "2.0 (2 to 2)",
        "0.020",
        "1.0 / 6.0 / 8.0",
    ]


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("Ren et al. 2025, arXiv:2510.04251; arXiv:1.2", "https://arxiv.org/abs/2510.04251"),
        ("A 2020, doi:10.1000/x(1).2", "https://doi.org/10.1000/x(1).2"),
        ("none", None),
        ("javascript:alert(1)", None),
    ],
)
def test_papers_are_found_by_their_identifiers(reference, address):
    assert paper_address(reference) == address


@pytest.mark.parametrize("method", ["fade", "../secret", "_aims", ""])
def test_what_is_no_method_has_no_file(method):
    assert file_of(method) is None


def test_the_first_screen_answers(tmp_path: Path):
    write(tmp_path, field())
    screen = leaderboard_of(tmp_path).splitlines()[:25]
    assert sum(line.startswith("- From") for line in screen) == 3
    assert max(line.count("|") for line in screen) == 8


def test_it_is_said_which_tables_there_are(tmp_path: Path):
    write(tmp_path, field())
    said = "So far there are records of 3 of the 6 tables of `paper`: ased random:64;"
    assert said in leaderboard_of(tmp_path)


@pytest.mark.parametrize("discipline", DISCIPLINES, ids=lambda each: each.name)
def test_the_check_covers_the_drawings(tmp_path: Path, discipline):
    results, page = tmp_path / "results", tmp_path / "leaderboard.md"
    write(results, field())
    write_leaderboard(results, page)
    drawing = results / FIGURES[discipline]
    assert f"(results/{FIGURES[discipline]})" in page.read_text()
    assert is_current(results, page)
    drawing.write_text(drawing.read_text().replace("retraining", "regretting"))
    assert not is_current(results, page)
    drawing.unlink()
    assert not is_current(results, page)
