"""Several methods: the best, what cannot be told from it, and what comparisons do not depend on."""

from __future__ import annotations

import pytest
from grids import ROUNDING, cell, grid
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.report.comparison import best_of, compare_with, holm, paired_test, ranks

# Several methods


def three_methods():
    """ "good" is best by 10 in every cell, "close" worse by about 0; "bad" has two cells."""
    noise = [[0.0, 0.3], [0.2, -0.4], [-0.1, 0.1]]
    good = grid([[20 + value for value in row] for row in noise])
    close = {place: value - 0.01 * (-1) ** sum(place[3:]) - 0.001 for place, value in good.items()}
    far = grid([[10.1, 10.0], [9.9, 10.2], [10.0, 10.1]])
    few = {cell(0, 0): 1.0, cell(1, 1): 2.0}
    return {"good": good, "close": close, "far": far, "few": few}


def test_one_against_the_others_corrects_for_their_number():
    found = compare_with(three_methods(), "good")
    assert list(found) == ["close", "far", "few"]
    assert found["few"].corrected is None
    assert found["few"].reason == "2 of the 3 shared cells that a claim needs"
    # Two were tested, not three.
    raw = [found[label].p for label in ("close", "far")]
    assert [found[label].corrected for label in ("close", "far")] == holm(raw)
    assert found["far"].corrected == pytest.approx(2 * found["far"].p, abs=1e-12)  # a product
    assert found["far"].difference == pytest.approx(10, abs=0.1)  # noise's means


def test_the_best_and_what_cannot_be_told_from_it():
    values = three_methods()
    # Over the two cells that all share.
    found = best_of(values, "higher")
    assert found.label == "good"
    assert found.undecided == {"close", "few"}
    assert found.rivals["far"].is_clear
    assert found.rivals == compare_with(values, "good")


def test_lower_is_better_where_it_is():
    values = three_methods()
    del values["few"]
    assert best_of(values, "lower").label == "far"
    assert best_of(values, "lower").undecided == frozenset()


def test_means_are_compared_over_the_cells_that_all_share():
    # "lucky" has the higher mean of its own, for it has no value where all are low.
    values = {
        "steady": {cell(0): 9.0, cell(1): 9.0, cell(2): 1.0},
        "lucky": {cell(0): 8.0, cell(1): 8.0},
        "absent": {},
    }
    found = best_of(values, "higher")
    assert found.label == "steady"
    assert found.rivals["absent"].reason == "no shared cell"


def test_equal_means_give_the_first_label_and_no_difference():
    same = grid([[1, 2], [3, 4]])
    found = best_of({"b": same, "a": dict(same)}, "higher")
    assert found.label == "a"
    assert found.rivals["b"].corrected == 1.0


@pytest.mark.parametrize("values", [{}, {"a": {}}, {"a": {cell(0): 1.0}, "b": {cell(1): 1.0}}])
def test_without_a_shared_cell_there_is_no_best(values):
    found = best_of(values, "higher")
    assert (found.label, found.rivals, found.undecided) == (None, {}, frozenset())


def test_a_method_alone_is_the_best():
    found = best_of({"a": grid([[1], [2]])}, "lower")
    assert (found.label, found.rivals) == ("a", {})


# Properties

# Steps of 1/8: sums and differences are exact, and so are ties.
numbers = st.integers(-400, 400).map(lambda number: number / 8)

cells = st.builds(
    cell, st.integers(0, 3), st.integers(0, 2), st.integers(0, 1), st.sampled_from(["c", "d"])
)

methods = st.dictionaries(cells, numbers, min_size=3, max_size=10)

labelled = st.dictionaries(st.sampled_from("abcde"), methods, min_size=2)


@given(methods, methods)
def test_the_paired_test_is_symmetric(first, second):
    one, other = paired_test(first, second), paired_test(second, first)
    assert one.p == other.p
    assert (one.pairs, one.reason) == (other.pairs, other.reason)
    if one.difference is not None:
        assert one.difference == -other.difference


@given(methods, methods, st.sampled_from([0.25, 2.0, 64.0]), numbers)
def test_the_paired_test_has_no_unit(first, second, scale, shift):
    # A power of two scales without rounding; the shift cancels in the differences.
    moved = paired_test(
        *({key: scale * (value + shift) for key, value in each.items()} for each in (first, second))
    )
    found = paired_test(first, second)
    if found.p is None:
        assert moved.p is None
    else:
        assert moved.p == pytest.approx(found.p, abs=ROUNDING)


def shuffled(values, shuffler):
    """The same values, with methods and cells in another order."""

    def mix(mapping):
        keys = list(mapping)
        shuffler.shuffle(keys)
        return {key: mapping[key] for key in keys}

    return mix({label: mix(found) for label, found in values.items()})


@settings(deadline=None)
@given(labelled, st.randoms(use_true_random=False), st.sampled_from(["higher", "lower"]))
def test_the_order_of_methods_and_cells_does_not_matter(values, shuffler, direction):
    other = shuffled(values, shuffler)
    assert best_of(other, direction) == best_of(values, direction)
    assert ranks(other, direction) == ranks(values, direction)


@settings(deadline=None)
@given(labelled)
def test_a_turned_sign_is_a_turned_direction(values):
    negative = {
        label: {key: -value for key, value in found.items()} for label, found in values.items()
    }
    one, other = best_of(values, "higher"), best_of(negative, "lower")
    assert (one.label, one.undecided) == (other.label, other.undecided)
    assert ranks(values, "higher") == ranks(negative, "lower")


@settings(deadline=None)
@given(labelled, st.sampled_from(["higher", "lower"]))
def test_mean_ranks_add_up(values, direction):
    found = ranks(values, direction)
    count = len(found.means)
    # Sums of halves over a few cells.
    assert sum(found.means.values()) == pytest.approx(count * (count + 1) / 2, abs=ROUNDING)
