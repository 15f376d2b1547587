"""Lists of recordings to forget: read, kept, drawn, and refused."""

from __future__ import annotations

import pytest
from draws import TRAIN, UTTERANCES

from ser_unlearn.data import lists
from ser_unlearn.data.scenarios import check_scenario, draw_forget_set, requests
from ser_unlearn.errors import LackingError, UserError


def nothing():
    raise AssertionError("a list does not ask what the original model says")


@pytest.fixture
def write(tmp_path):
    def write(*names, ending="\n"):
        path = tmp_path / "names.txt"
        path.write_text(ending.join(names) + ending, newline="")
        return f"list:{path}"

    return write


def drawn(scenario, store):
    found = lists.take(scenario, store)
    return draw_forget_set(found, UTTERANCES, TRAIN, 0, nothing, lambda key: lists.kept(key, store))


def test_what_is_listed_is_drawn(write, store):
    wanted = TRAIN[3:7]
    names = [UTTERANCES[place].name for place in wanted]
    assert drawn(write(*names), store) == wanted
    assert drawn(write(*names, names[0], "", ending="\r\n"), store) == wanted


def test_a_list_is_known_by_what_it_names_and_not_by_its_file(write, store, tmp_path):
    first = lists.take(write("a", "b"), store)
    again = tmp_path / "other.txt"
    again.write_text("\ufeffb\n\n a \nb\n")
    assert lists.take(f"list:{again}", store) == first == requests(first)[0]
    assert requests(f"list:{again}") == [first]
    assert lists.take(write("a"), store) != first
    assert lists.take("random:16", store) == "random:16"


def test_every_fault_is_named(write, store):
    train = {UTTERANCES[place].name for place in TRAIN}
    outside = next(each.name for each in UTTERANCES if each.name not in train)
    inside = min(train)
    with pytest.raises(UserError, match=r"names 2 that the corpus does not have.*: nobody, x\.wav"):
        drawn(write("nobody", inside, "x.wav"), store)
    with pytest.raises(UserError, match=f"not in the training set: {outside}"):
        drawn(write(inside, outside), store)
    with pytest.raises(UserError, match="asks for"):
        drawn(write(*train), store)
    with pytest.raises(UserError, match="names nothing"):
        drawn(write(" "), store)
    with pytest.raises(UserError, match="cannot be read"):
        requests("list:no/such/file")
    with pytest.raises(LackingError, match="Name its file"):
        lists.kept("0" * 16, store)
    with pytest.raises(UserError, match="is not complete"):
        requests("list:")
    with pytest.raises(LackingError):
        check_scenario("list:" + "0" * 16, UTTERANCES, TRAIN)


def test_many_names_are_cut_short():
    assert lists.in_words([*"abcdefg"]) == "a, b, c, d, e and 2 more"
