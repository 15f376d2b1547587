"""Scenarios: draws by hand, and properties that hold for all."""

import re

import pytest
from draws import FIVE, LOSSES, TRAIN, UTTERANCES, corpus, draw, utterance
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.data.scenarios import SCENARIOS, before, check_scenario, requests
from ser_unlearn.results.records import Seeds, record_path

few = settings(deadline=None, max_examples=50)

seeds = st.integers(0, 2**32)


def single(form, most):
    return st.integers(1, most).map(form.format)


drawn_once = st.one_of(
    single("random:{}", len(TRAIN) - 1),
    st.integers(100, 99000).map(lambda thousandths: f"random:{thousandths / 1000:g}%"),
    single("speaker:{}", 3),
    st.sampled_from(["emotion:e0", "emotion:e1", "emotion:e2"]),
    single("speaker-emotion:{}", 11),
    single("hard:{}", (len(TRAIN) - 1) // 2),
    single("easy:{}", (len(TRAIN) - 1) // 2),
    single("duplicates:{}", 12),
)

sequences = st.tuples(st.integers(1, 6), st.integers(1, 9)).map("sequential:{0[0]}x{0[1]}".format)

scenarios = st.one_of(drawn_once, sequences.flatmap(lambda each: st.sampled_from(requests(each))))


def draw_of_train(scenario, seed):
    losses = [LOSSES[each.name] for each in UTTERANCES]
    asks = SCENARIOS[scenario.partition(":")[0]].ranks_by_loss
    return draw(scenario, UTTERANCES, TRAIN, seed, losses if asks else None)


# What holds for all


@given(scenarios, seeds)
@few
def test_a_forget_set_is_a_proper_part_of_the_training_set(scenario, seed):
    forget = draw_of_train(scenario, seed)
    assert forget == sorted(set(forget))
    assert set() < set(forget) < set(TRAIN)
    check_scenario(scenario, UTTERANCES, TRAIN)


@given(scenarios, seeds, st.randoms(use_true_random=False))
@few
def test_a_forget_set_does_not_depend_on_the_order_of_the_corpus(scenario, seed, random):
    names = {UTTERANCES[place].name for place in draw_of_train(scenario, seed)}
    trained = {UTTERANCES[place].name for place in TRAIN}
    mixed = random.sample(UTTERANCES, len(UTTERANCES))
    places = [place for place, each in enumerate(mixed) if each.name in trained]
    losses = [LOSSES[each.name] for each in mixed]
    again = draw(scenario, mixed, random.sample(places, len(places)), seed, losses)
    assert {mixed[place].name for place in again} == names


@given(drawn_once, seeds, st.randoms(use_true_random=False))
@few
def test_only_hard_and_easy_depend_on_the_losses(scenario, seed, random):
    losses = [random.random() for _ in UTTERANCES]
    kind = scenario.partition(":")[0]
    if kind not in ("hard", "easy"):
        assert draw(scenario, UTTERANCES, TRAIN, seed, losses) == draw_of_train(scenario, seed)
        return
    count = int(scenario.partition(":")[2])
    ranked = sorted(TRAIN, key=lambda place: losses[place], reverse=kind == "hard")
    forget = draw(scenario, UTTERANCES, TRAIN, seed, losses)
    assert len(forget) == count
    assert set(forget) <= set(ranked[: 2 * count])


SEEDED = [
    "random:16", "random:5%", "speaker:1", "speaker-emotion:1", "hard:4", "easy:4",
    "duplicates:4", "sequential:2x4:1", "sequential:2x4:2",
]  # fmt: skip


@pytest.mark.parametrize("scenario", SEEDED)
def test_forget_seeds_draw_different_sets(scenario):
    drawn = {tuple(draw_of_train(scenario, seed)) for seed in range(12)}
    # Twelve draws of one of four speakers, the fewest there are to choose from, are all the same
    # once in 4 ** 11 corpora.
    assert len(drawn) >= 2


def test_the_forget_set_of_an_emotion_is_the_same_for_every_seed():
    assert draw("emotion:e1", UTTERANCES, TRAIN, 0) == draw("emotion:e1", UTTERANCES, TRAIN, 1)


def test_a_larger_forget_set_is_not_a_smaller_one_and_others():
    # Of 12 seeds: that 4 drawn by themselves lie in another draw of 8 is improbable in each.
    inside = [
        set(draw("random:4", UTTERANCES, TRAIN, seed))
        < set(draw("random:8", UTTERANCES, TRAIN, seed))
        for seed in range(12)
    ]
    assert not all(inside)


names_of_scenarios = st.one_of(
    scenarios,
    st.from_regex(r"\w([\w -]{0,8}\w)?", fullmatch=True).map("emotion:{}".format),
)


@given(names_of_scenarios, names_of_scenarios)
@settings(deadline=None, max_examples=300)
def test_every_scenario_has_a_folder_of_its_own(one, other):
    folders = [
        record_path("corpus", "recipe", scenario, "row", Seeds(model=0, forget=0, method=0)).parts
        for scenario in (one, other)
    ]
    for parts in folders:
        assert len(parts) == 5
        # What all file systems take, and what leads nowhere else.
        assert re.fullmatch(r"\w[\w .-]*\w", parts[2])
    assert (folders[0] == folders[1]) == (one == other)


def test_every_kind_explains_itself():
    for kind, found in SCENARIOS.items():
        assert found.form.startswith(f"{kind}:")


# By hand: a hash of "forget", the scenario, the seed 0 and a name puts a to e in the order that
# stands beside each.


def drawn(scenario, utterances, losses=None):
    return "".join(utterances[place].name for place in draw(scenario, utterances, losses=losses))


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("random:2", "ce"),  # e c b d a
        ("random:60%", "abd"),  # b d a c e
        ("sequential:2x2:1", "be"),  # of sequential:2x2, e b d a c
        ("sequential:2x2:2", "ad"),
        ("sequential:4x1:3", "e"),  # of sequential:4x1, a c e d b
        ("hard:1", "b"),  # e d b c a, of a and b
        ("hard:2", "bc"),  # b c a e d, of a, b, c and d
        ("easy:1", "e"),  # e a d c b, of d and e
        ("easy:2", "ce"),  # a e c b d, of b, c, d and e
    ],
)
def test_draws_by_hand(scenario, expected):
    losses = [5.0, 4.0, 3.0, 2.0, 1.0] if scenario[:4] in ("hard", "easy") else None
    assert drawn(scenario, FIVE, losses) == expected


def test_utterances_of_equal_loss_stand_in_the_order_of_their_names():
    # Of a and b, and of a, b, c and d, at either end.
    expected = {"hard:1": "b", "hard:2": "bc", "easy:1": "a", "easy:2": "ac"}
    for scenario, names in expected.items():
        assert drawn(scenario, FIVE, [1.0] * 5) == names


@pytest.mark.parametrize(
    ("statements", "scenario", "expected"),
    [
        ("ppqqr", "duplicates:1", "d"),  # e d b c a; e has no twin
        ("ppqqr", "duplicates:2", "ac"),  # a c d b e
        ("pppqq", "duplicates:2", "ad"),  # c is a twin of a, and stays
        ("ppppp", "duplicates:1", "e"),
    ],
)
def test_twins_by_hand(statements, scenario, expected):
    utterances = [
        utterance(name, statement=statement)
        for name, statement in zip("abcde", statements, strict=True)
    ]
    assert drawn(scenario, utterances) == expected


# Each kind


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        ("50", 50),
        ("5", 5),
        ("2.5", 2),  # 2.5 is rounded to even
        ("0.001", 1),  # one at least
        ("99", 99),
    ],
)
def test_random_percent_counts_of_a_hundred(percent, expected):
    utterances = corpus(10, 2, 1, 5)
    assert len(draw(f"random:{percent}%", utterances)) == expected


def test_speaker_takes_all_training_utterances_of_so_many_speakers_and_nothing_else():
    forget = draw_of_train("speaker:2", 0)
    speakers = {UTTERANCES[place].speaker for place in forget}
    assert len(speakers) == 2
    assert forget == [place for place in TRAIN if UTTERANCES[place].speaker in speakers]


def test_emotion_takes_all_training_utterances_of_the_emotion_and_nothing_else():
    expected = [place for place in TRAIN if UTTERANCES[place].emotion == "e1"]
    assert draw_of_train("emotion:e1", 0) == expected


@given(st.integers(1, 11), seeds)
@few
def test_speaker_emotion_takes_whole_pairs(count, seed):
    def pair(place):
        return UTTERANCES[place].speaker, UTTERANCES[place].emotion

    forget = draw_of_train(f"speaker-emotion:{count}", seed)
    pairs = {pair(place) for place in forget}
    assert len(pairs) == count
    assert forget == [place for place in TRAIN if pair(place) in pairs]


@given(st.integers(1, 12), seeds)
@few
def test_every_duplicate_leaves_a_twin_and_is_the_only_one_of_its_group(count, seed):
    def group(place):
        each = UTTERANCES[place]
        return each.speaker, each.emotion, each.statement

    forget = draw_of_train(f"duplicates:{count}", seed)
    groups = {group(place) for place in forget}
    assert len(forget) == len(groups) == count
    assert groups <= {group(place) for place in set(TRAIN) - set(forget)}


@given(sequences, seeds)
@few
def test_a_sequence_asks_for_disjoint_parts(scenario, seed):
    size = int(scenario.partition("x")[2])
    parts = [draw_of_train(each, seed) for each in requests(scenario)]
    assert {len(part) for part in parts} == {size}
    assert len({place for part in parts for place in part}) == size * len(parts)


def test_a_sequence_stands_for_its_requests_and_each_comes_after_another():
    names = ["sequential:3x4:1", "sequential:3x4:2", "sequential:3x4:3"]
    assert requests("sequential:3x4") == names
    assert requests("sequential:3x4:2") == ["sequential:3x4:2"]
    assert requests("random:16") == ["random:16"]
    assert [before(name) for name in names] == [None, *names[:2]]
    assert before("random:16") is None
