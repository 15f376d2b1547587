"""Splits: properties that hold for every corpus, and every way to ask wrongly."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ser_unlearn.data.cards import SplitRule
from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.splits import allot, shuffled, split
from ser_unlearn.errors import UserError

few = settings(deadline=None, max_examples=50)


def utterance(speaker, emotion, number=0):
    name = f"{speaker}-{emotion}-{number:02d}"
    return Utterance(name, emotion, speaker, "s1", f"hash of {name}", 1.0)


def corpus(speakers, emotions, each):
    """`each` utterances of every emotion by every speaker."""
    return [
        utterance(f"s{speaker:02d}", f"e{emotion}", number)
        for speaker in range(speakers)
        for emotion in range(emotions)
        for number in range(each)
    ]


def genders(speakers):
    return {f"s{number:02d}": ("male", "female")[number % 2] for number in range(speakers)}


SETS = ("train", "validation", "heldout", "test")

# At least five of every emotion by every speaker, so that no set is empty.
corpora = st.builds(corpus, st.integers(3, 8), st.integers(2, 4), st.integers(5, 9))
seeds = st.integers(0, 2**32)


# Shuffling and dealing


@given(st.sets(st.text(max_size=5)), seeds)
@few
def test_shuffled_orders_the_same_names_the_same_way_from_any_order(names, seed):
    first = shuffled(names, "salt", seed)
    assert set(first) == names
    assert len(first) == len(names)
    assert shuffled(sorted(names, reverse=True), "salt", seed) == first


def test_shuffled_depends_on_its_salt():
    names = [f"n{number}" for number in range(20)]
    orders = {tuple(shuffled(names, salt, seed)) for salt in ("a", "b") for seed in range(3)}
    assert len(orders) == 6


def test_shuffled_is_the_same_for_ever():
    # `sha256sum` of "forget/0/e" begins with 00, then b 1f, c 80, d 9f, a bc. Another order here
    # would mean other splits and other forget sets everywhere.
    assert shuffled("abcde", "forget", 0) == list("ebcda")


weights = st.lists(st.floats(0.01, 1), min_size=2, max_size=5)


@given(weights, st.integers(0, 100))
@few
def test_every_beginning_is_divided_by_the_shares(weights, count):
    shares = [weight / sum(weights) for weight in weights]
    sets = len(shares)
    dealt = [0] * sets
    for position, chosen in enumerate(allot(count, shares), start=1):
        dealt[chosen] += 1
        ahead = [got - share * position for got, share in zip(dealt, shares, strict=True)]
        # The set that is dealt to was behind by the mean of 1 / sets or more, so it is now ahead
        # by 1 - 1 / sets or less; what all are behind is what the others are ahead.
        most = 1 - 1 / sets
        assert max(ahead) <= most + 1e-9  # rounding of some hundred sums
        assert min(ahead) >= -(sets - 1) * most - 1e-9


@given(weights, st.integers(0, 60), st.integers(0, 60))
@few
def test_dealing_more_items_does_not_change_the_first_ones(weights, fewer, further):
    shares = [weight / sum(weights) for weight in weights]
    assert allot(fewer + further, shares)[:fewer] == allot(fewer, shares)


def test_allot_by_hand():
    # Behind after 1: 0.75, 0.25 -> 0. After 2: 0.5, 0.5 -> 0, the first of equals.
    # After 3: 0.25, 0.75 -> 1. After 4: 1, 0 -> 0. Then all is even and it begins anew.
    assert allot(8, [0.75, 0.25]) == [0, 0, 1, 0, 0, 0, 1, 0]


def test_the_default_shares_are_never_off_by_more_than_six_tenths():
    dealt = [0, 0, 0]
    # A cycle of ten deals 7, 1 and 2, and all is even again.
    for position, chosen in enumerate(allot(10, [0.7, 0.1, 0.2]), start=1):
        dealt[chosen] += 1
        for count, share in zip(dealt, (0.7, 0.1, 0.2), strict=True):
            assert abs(count - share * position) <= 0.6 + 1e-9  # rounding of ten sums
    assert dealt == [7, 1, 2]


def test_allot_gives_nothing_to_a_share_of_nothing():
    assert set(allot(50, [0.5, 0.0, 0.5])) == {0, 2}


# Splits


@given(corpora, seeds)
@few
def test_the_four_sets_are_disjoint_and_cover_the_corpus(utterances, seed):
    found = split(utterances, SplitRule(seed=seed))
    places = [place for name in SETS for place in getattr(found, name)]
    assert sorted(places) == list(range(len(utterances)))
    for name in SETS:
        assert getattr(found, name) == sorted(getattr(found, name))


@given(corpora, seeds)
@few
def test_training_hears_every_emotion_and_no_test_speaker(utterances, seed):
    found = split(utterances, SplitRule(seed=seed))
    heard = {
        utterances[place].speaker
        for name in ("train", "validation", "heldout")
        for place in getattr(found, name)
    }
    tested = {utterances[place].speaker for place in found.test}
    assert tested
    assert not heard & tested
    assert {utterances[place].emotion for place in found.train} == {
        each.emotion for each in utterances
    }


@given(corpora, seeds)
@few
def test_the_training_speakers_sets_are_stratified(utterances, seed):
    rule = SplitRule(seed=seed)
    found = split(utterances, rule)
    shares = {"validation": rule.validation, "heldout": rule.heldout}
    shares["train"] = 1 - sum(shares.values())
    sizes = Counter()
    counts = {name: Counter() for name in shares}
    for name in shares:
        for place in getattr(found, name):
            each = utterances[place]
            for stratum in (each.emotion, (each.emotion, each.speaker)):
                sizes[stratum] += 1
                counts[name][stratum] += 1
    for stratum, size in sizes.items():
        for name, share in shares.items():
            # No beginning of the row is off by more than 0.6 (the test above), so a stratum, the
            # stretch between two beginnings, by 1.2 at most: one utterance, or hardly more.
            assert abs(counts[name][stratum] - share * size) <= 1.2 + 1e-9


@given(st.integers(2, 10).map(lambda half: 2 * half), seeds, st.sampled_from([0.2, 0.25, 0.5]))
@few
def test_test_speakers_are_balanced_by_gender(speakers, seed, share):
    utterances = corpus(speakers, 2, 5)
    known = genders(speakers)
    found = split(utterances, SplitRule(seed=seed, test_speakers=share), known)
    tested = {utterances[place].speaker for place in found.test}
    assert len(tested) == max(1, round(share * speakers))
    counts = Counter(known[speaker] for speaker in tested)
    assert abs(counts["male"] - counts["female"]) <= 1


@given(corpora, seeds)
@few
def test_the_same_seed_gives_the_same_split(utterances, seed):
    rule = SplitRule(seed=seed)
    assert split(utterances, rule) == split(list(utterances), rule)


def test_another_seed_gives_another_split():
    utterances = corpus(8, 3, 6)
    found = {tuple(split(utterances, SplitRule(seed=seed)).train) for seed in range(5)}
    assert len(found) == 5


@given(corpora, seeds, st.randoms(use_true_random=False))
@few
def test_the_order_of_the_corpus_does_not_matter(utterances, seed, random):
    mixed = random.sample(utterances, len(utterances))
    rule = SplitRule(seed=seed)
    first, second = split(utterances, rule), split(mixed, rule)
    for name in SETS:
        names = {utterances[place].name for place in getattr(first, name)}
        assert {mixed[place].name for place in getattr(second, name)} == names


def test_test_speakers_can_be_named():
    utterances = corpus(5, 2, 6)
    found = split(utterances, SplitRule(test_speakers=["s01", "s03"]))
    assert {utterances[place].speaker for place in found.test} == {"s01", "s03"}
    assert len(found.test) == 24


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.01, 1), (0.4, 2), (1.0, 4)])
def test_somebody_is_tested_and_somebody_is_trained_on(share, expected):
    utterances = corpus(5, 2, 6)
    found = split(utterances, SplitRule(test_speakers=share))
    assert len({utterances[place].speaker for place in found.test}) == expected


def test_a_validation_share_of_nothing_is_refused():
    with pytest.raises(ValidationError):
        SplitRule(validation=0)


@pytest.mark.parametrize(
    ("utterances", "rule"),
    [
        ([], SplitRule()),
        (corpus(1, 2, 20), SplitRule()),  # nobody is left to test on
        (corpus(2, 1, 1), SplitRule()),  # nothing is left to hold out
        (corpus(3, 2, 6), SplitRule(test_speakers=["s00", "s01", "s02"])),
        (corpus(3, 2, 6), SplitRule(test_speakers=[])),
        (corpus(3, 2, 6), SplitRule.model_construct(validation=0.5, heldout=0.5)),
        (corpus(3, 2, 6), SplitRule(validation=0.001)),
    ],
    ids=["empty", "one speaker", "too few", "all tested", "none tested", "no share", "no look"],
)
def test_a_corpus_too_small_to_split_is_refused(utterances, rule):
    with pytest.raises(UserError, match="too few to split"):
        split(utterances, rule)


def test_an_emotion_that_training_would_miss_is_named():
    utterances = [*corpus(4, 2, 6), utterance("s00", "awe")]
    rule = SplitRule(test_speakers=["s00"])
    with pytest.raises(UserError, match="awe"):
        split(utterances, rule)


def test_an_unknown_test_speaker_is_named_with_the_nearest_known_ones():
    with pytest.raises(UserError, match=r"no speaker 's9'.*s0"):
        split(corpus(3, 2, 6), SplitRule(test_speakers=["s01", "s9"]))
