"""Names: which can be labels and parts of paths, and how texts are shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ser_unlearn.errors import UserError
from ser_unlearn.results.names import LONGEST, Label, Part, check_name, shown
from ser_unlearn.results.records import Seeds, folder_of, record_path

BAD = ["", " ", ".", "..", "/", "a/b", "/../../x", "a\\b", "a\nb", "a\0", "\x1b[31m", "a\u202eb"]
BAD += ["a\u2028b", "\ud800", "a\x7f"]
GOOD = ["a", "...", "a..b", "fade[epochs=3,mode=a b]", "<b>", "a|b", "überrascht", "愤怒", "😀"]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_steps_out_or_cannot_be_seen_is_refused(name):
    with pytest.raises(UserError, match="Give it a plain, shorter name") as refusal:
        check_name("speaker", name)
    assert str(refusal.value).isprintable()
    with pytest.raises(ValidationError):
        TypeAdapter(Label).validate_python(name)


@pytest.mark.parametrize("name", GOOD)
def test_other_names_are_taken_as_they_are(name):
    assert check_name("row", name, in_path=True) == name
    assert TypeAdapter(Part).validate_python(name) == name


def test_a_part_of_a_path_has_a_longest_name_and_a_label_has_not():
    longest = "ü" * (LONGEST // 2)
    assert check_name("row", longest, in_path=True) == longest
    assert check_name("row", longest + "x") == longest + "x"
    with pytest.raises(UserError, match="longer than 200 bytes") as refusal:
        check_name("row", longest + "x", in_path=True)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("name", [*BAD, "x" * 201])
@pytest.mark.parametrize("position", range(4))
def test_no_record_lies_where_its_names_lead_out(name, position):
    names = ["emodb", "ecapa", "random:16", "fade"]
    names[position] = name
    with pytest.raises(UserError):
        record_path(*names, Seeds(model=0, forget=0, method=0))


@given(st.lists(st.text(), min_size=3, max_size=3))
def test_a_path_that_is_made_has_a_folder_for_each_name(names):
    try:
        path = folder_of(*names)
    except UserError:
        return
    assert len(path.parts) == 3
    assert (Path("/results") / path).resolve().is_relative_to("/results")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a  b\n\tc\r\nd", "a b c d"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\u202eb", r"a\u202eb"),
        ("\ud800", r"\ud800"),
        ("ü 愤怒 😀", "ü 愤怒 😀"),
    ],
)
def test_a_text_is_shown_in_one_line_without_what_steers_a_terminal(text, line):
    assert shown(text) == line


@given(st.text(st.characters()), st.integers(10, 50))
def test_what_is_shown_is_printable_and_short(text, longest):
    assert shown(text).replace("\u00ad", "").isprintable() or not shown(text).isascii()
    assert len(shown(text, longest)) <= longest
