"""Tables on terminals of any width."""

from __future__ import annotations

import pytest
from fields import ROWS, field
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from ser_unlearn.report.columns import COLUMNS
from ser_unlearn.report.tables import render
from ser_unlearn.results.names import fault_of


def shown(width, records=None):
    return render(field() if records is None else records, "terminal", width)


def header(text):
    lines = text.splitlines()
    rule = next(number for number, line in enumerate(lines) if line.startswith("---"))
    return " ".join(" ".join(lines[rule - 2 : rule]).split())


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    assert max(map(cell_len, shown(width).splitlines())) <= width


RECORDS = field(ROWS[:4], tables=[("ravdess", "random:16")], runs=2)


@settings(deadline=None, max_examples=25)
@given(st.text(min_size=1, max_size=40).filter(lambda text: not fault_of(text)))
def test_no_text_of_a_record_makes_a_line_wider(label):
    renamed = [record.model_copy(update={"label": label}) for record in RECORDS[:2]]
    text = shown(72, [*renamed, *RECORDS[2:]])
    assert max(map(cell_len, text.splitlines())) <= 72


def test_at_80_columns_stands_what_answers():
    words = ("method", "mark", "distance", "told", "loss", "price")
    assert all(word in header(shown(80)) for word in words)


def test_where_there_is_more_room_there_are_more_columns():
    counts = [len(header(shown(width)).split()) for width in (80, 120, 160, 200)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_all_columns_stand_there_if_asked_for():
    assert all(word in header(shown(None)) for each in COLUMNS for word in each.title.split())


def test_rows_stand_by_need_and_then_by_distance():
    lines = shown(80).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("---"))
    names = [" ".join(line.split("  ")[0].split()) for line in lines[start + 1 : start + 14]]
    assert names == [
        *("needs nothing", "original"),
        *("needs forget", "npo", "gradient_ascent"),
        *("needs retain", "retrain", "finetune"),
        *("needs forget, retain", "scrub"),
        *("needs forget, statistics", "ssd"),
        "",
    ]


def test_the_answer_opens_the_output_and_closes_it_where_that_is_long():
    answer = "From the forget set alone, npo comes nearest to retraining: distance"
    assert shown(80).startswith(answer)
    assert shown(80).count(answer) == 2
    assert shown(80).split("In short:\n\n")[1].startswith(answer)


def test_several_tables_are_seen_together_first():
    titles = [line for line in shown(120).splitlines() if line.endswith("as if never heard")]
    assert [title.split(":")[0].split(",")[0] for title in titles] == [
        "over all 3 tables",
        "ased",
        "ravdess",
        "ravdess",
    ]


def test_short_marks_are_explained():
    text = shown(66)
    row = next(line for line in text.splitlines() if line.startswith("gradient_ascent"))
    assert row.split()[1] == "tw"
    legend = " ".join(text.split())
    assert "t told: attacks tell it from retraining in most runs" in legend
    assert "w worse: farther from retraining than the original" in legend
