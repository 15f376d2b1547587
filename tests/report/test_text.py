"""Text of records in tables: seen as it is in every format, and never obeyed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from fields import leaderboard_of
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from toys import make_record

from ser_unlearn.report.tables import render
from ser_unlearn.report.text import latex, markdown
from ser_unlearn.results.names import shown
from ser_unlearn.results.records import Provenance, write_record

NASTY = "<img src=x onerror=alert(1)> a|b `c` *d* [e](f) &amp; $g$ ~h~ #i _j_ k_l"
REASON = f"ValueError: {NASTY}\n\n| a row | of its own |\n# Heading\n\x1b[31mred\x1b[0m\r\0"

PAGE = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def nasty_records():
    return [
        make_record(label=f"fade[mode={NASTY}]", needs=["forget", "a|b<i>"]),
        make_record(label="plain", corpus="a|b<i>", seeds={"model": 1, "forget": 0, "method": 0}),
        make_record(label="broken", status="failed", reason=REASON),
    ]


def seen_in(text):
    """What a reader of a Markdown page sees, and which elements it is made of."""
    tokens = [token for block in PAGE.parse(text) for token in (block, *(block.children or []))]
    words = "".join(token.content for token in tokens if token.type in ("text", "code_inline"))
    return words, {token.type for token in tokens}


@pytest.mark.parametrize("text", [NASTY, "a|b", "<b>", "**x**", "__init__", "a\\|b", "![x](y)"])
def test_markdown_shows_a_text_as_it_is(text):
    words, kinds = seen_in(f"| a | b |\n|---|---|\n| {markdown(text)} | end |\n")
    assert text in words
    assert kinds <= {
        "table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close",
        "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close", "inline", "text",
        "text_special",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["random_label", "adversarial-adv", "AMD EPYC, cpu", "emodb"])
def test_plain_names_stay_as_they_are(text):
    assert markdown(text) == text


@settings(deadline=None)
@given(st.text())
def test_no_text_leaves_its_cell(text):
    row = f"| a | b |\n|---|---|\n| {markdown(text)} | end |"
    cells = [block for block in PAGE.parse(row) if block.type == "inline"]
    assert len(cells) == 4
    assert "html_inline" not in {child.type for cell in cells for child in cell.children or []}


def test_latex_shows_a_text_as_it_is():
    assert latex("50 % of a_b & {c} #1 \\x\ny") == (
        r"50 \% of a\_b \& \{c\} \#1 \textbackslash{}x y"
    )


@pytest.mark.parametrize("style", ["terminal", "github", "latex"])
def test_a_table_has_a_line_for_each_row_whatever_stands_in_it(style):
    plain = [
        record.model_copy(update={"label": "x", "corpus": "emodb", "needs": ["x"], "reason": "y"})
        for record in nasty_records()
    ]
    text = render(nasty_records(), style)
    assert "\x1b" not in text
    assert "\0" not in text
    assert "\r" not in text
    assert "x1b[31mred" in text.replace("\\[", "[")
    assert not any(line.startswith(("# Heading", "| a row")) for line in text.splitlines())
    assert len(render(nasty_records()[:1], style).splitlines()) == len(
        render(plain[:1], style).splitlines()
    )


def test_the_leaderboard_shows_what_records_say_and_obeys_none_of_it(tmp_path: Path):
    origin = make_record().provenance.model_dump() | {"processor": NASTY}
    for record in nasty_records():
        record = record.model_copy(update={"provenance": Provenance(**origin)})
        write_record(tmp_path, record)
    page = leaderboard_of(tmp_path)
    words, _ = seen_in(page)
    assert "<img" not in page
    assert f"fade[mode={NASTY}]" in words
    assert f"{NASTY}, cpu, one thread" in words
    assert f"failed: {shown(REASON)}" in words
    assert page.count("<details>") == page.count("</details>")


def test_csv_and_json_hold_texts_and_numbers_exactly():
    records = [*nasty_records(), make_record(metrics={"tow": 0.1 + 0.2, "speedup": None})]
    rows = list(csv.DictReader(io.StringIO(render(records, "csv"), newline="")))
    values = json.loads(render(records, "json"))
    for record, row, value in zip(records, rows, values, strict=True):
        assert row["method"] == value["method"] == record.label
        assert row["reason"] == value["reason"] == record.reason
        for name, number in record.metrics.items():
            assert value[name] == number
            assert row[name] == ("" if number is None else repr(number))
    assert values[2]["tow"] is None
    assert set(map(tuple, values)) == {tuple(rows[0])}
