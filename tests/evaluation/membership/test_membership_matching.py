"""Matched non-members: by hand, and against trying every pairing."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.evaluation.membership import match


def pairs(forget, heldout, seed=0):
    """Match utterances given as (emotion, duration[, speaker]): indices into `heldout`."""
    everyone = [(*each, "x")[:3] for each in forget + heldout]
    emotions, durations, speakers = (np.array(each) for each in zip(*everyone, strict=True))
    start = len(forget)
    found = match(
        np.arange(start),
        start + np.arange(len(heldout)),
        emotions,
        speakers,
        durations.astype(float),
        seed,
    )
    return (found - start).tolist()


def test_the_same_emotion_and_the_nearest_duration():
    forget = [("sad", 2.0), ("angry", 1.0)]
    heldout = [("angry", 2.0), ("angry", 1.2), ("sad", 9.0), ("sad", 2.5)]
    assert pairs(forget, heldout) == [3, 1]


def test_the_same_speaker_goes_before_the_nearest_duration_and_after_the_emotion():
    forget = [("sad", 2.0, "f"), ("angry", 1.0, "g")]
    heldout = [("sad", 2.0, "g"), ("sad", 8.0, "f"), ("happy", 1.0, "g"), ("angry", 7.0, "f")]
    assert pairs(forget, heldout) == [1, 3]


def test_nobody_is_picked_twice_while_there_are_others():
    # The first is nearest to both. Either may have it: 0.1 + 4.8 in sum, or 0.2 + 4.9: the former.
    assert pairs([("sad", 2.1), ("sad", 2.2)], [("sad", 2.0), ("sad", 7.0)]) == [0, 1]


def test_where_an_emotion_runs_short_the_nearest_of_others_step_in():
    forget = [("sad", 2.0), ("sad", 3.0), ("sad", 4.0)]
    heldout = [("sad", 50.0), ("angry", 2.9), ("angry", 8.0), ("happy", 2.1)]
    # The one sad utterance is used, however long, by the longest; the others go to the nearest.
    assert pairs(forget, heldout) == [3, 1, 0]


def test_with_too_few_all_are_used_before_any_is_used_again():
    forget = [("sad", 1.0), ("sad", 2.0), ("sad", 3.0), ("sad", 4.0), ("sad", 5.0)]
    found = pairs(forget, [("sad", 2.0), ("angry", 30.0)])
    assert sorted(found.count(place) for place in (0, 1)) == [2, 3]
    # Of three uses of one and two of the other, most are of the same emotion this way.
    assert found.count(0) == 3


def test_the_seed_decides_between_equals_and_nothing_else():
    forget, heldout = [("sad", 1.0)], [("sad", 2.0), ("sad", 2.0), ("sad", 0.0), ("sad", 4.0)]
    found = [pairs(forget, heldout, seed)[0] for seed in range(50)]
    assert found == [pairs(forget, heldout, seed)[0] for seed in range(50)]
    # Three are a second away: each is chosen among 50 with probability 1 - 2e-9.
    assert set(found) == {0, 1, 2}


def test_positions_in_the_corpus_are_what_comes_back():
    emotions = np.array(["x", "sad", "sad", "x", "angry", "angry"])
    durations = np.array([0.0, 1.0, 1.1, 0.0, 1.0, 1.1])
    speakers = np.array(["s"] * 6)
    found = match(np.array([5, 1]), np.array([2, 4]), emotions, speakers, durations, seed=0)
    assert found.tolist() == [4, 2]


def test_no_held_out_utterance_is_an_error():
    with pytest.raises(ValueError, match="no held-out utterance"):
        match(
            np.array([0]),
            np.array([], int),
            np.array(["sad"]),
            np.array(["s"]),
            np.array([1.0]),
            seed=0,
        )


def test_nothing_to_forget_needs_no_match():
    assert pairs([], [("sad", 1.0)]) == []


utterances = st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.sampled_from("xy"))


@settings(deadline=None)  # the first call imports, on a machine that may be busy
@given(
    forget=st.lists(utterances, min_size=1, max_size=4),
    heldout=st.lists(utterances, min_size=1, max_size=5),
    seed=st.integers(0, 5),
)
def test_no_other_pairing_is_better(forget, heldout, seed):
    def badness(pairing):
        chosen = [heldout[place] for place in pairing]
        reused = sum(pairing.count(place) ** 2 for place in range(len(heldout)))
        other = sum(one[0] != two[0] for one, two in zip(forget, chosen, strict=True))
        distance = sum(abs(one[1] - two[1]) for one, two in zip(forget, chosen, strict=True))
        another = sum(one[2] != two[2] for one, two in zip(forget, chosen, strict=True))
        return reused, other, another, distance

    found = pairs(forget, heldout, seed)
    every = itertools.product(range(len(heldout)), repeat=len(forget))
    assert badness(tuple(found)) == min(badness(pairing) for pairing in every)
