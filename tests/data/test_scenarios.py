"""Scenarios: draws by hand, properties that hold for all, and every way to ask wrongly."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.data.cards import SplitRule
from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.scenarios import SCENARIOS, before, check_scenario, draw_forget_set, requests
from ser_unlearn.data.splits import split
from ser_unlearn.errors import UserError
from ser_unlearn.results.records import Seeds, record_path

few = settings(deadline=None, max_examples=50)


def utterance(name, speaker="s", emotion="e", statement="t"):
    return Utterance(name, emotion, speaker, statement, f"hash of {name}", 1.0)


def corpus(speakers, emotions, statements, repetitions):
    """Every speaker says every statement in every emotion so many times."""
    return [
        utterance(f"s{s}-e{e}-t{t}-{r}", f"s{s}", f"e{e}", f"t{t}")
        for s in range(speakers)
        for e in range(emotions)
        for t in range(statements)
        for r in range(repetitions)
    ]


def unknown():
    raise AssertionError("this scenario must not ask what the original model says")


def draw(scenario, utterances, train=None, seed=0, losses=None):
    """The forget set; without losses, the original model must not be asked."""
    train = range(len(utterances)) if train is None else train
    given = unknown if losses is None else lambda: np.array(losses)
    return draw_forget_set(scenario, utterances, train, seed, given)


UTTERANCES = corpus(speakers=5, emotions=3, statements=2, repetitions=4)
TRAIN = split(UTTERANCES, SplitRule()).train  # of four speakers
LOSSES = {each.name: 7 * number % 23 / 5 for number, each in enumerate(UTTERANCES)}  # with ties

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


def test_every_kind_says_whether_forget_seeds_matter():
    seeded = {kind for kind, found in SCENARIOS.items() if found.seeded}
    assert seeded == {scenario.partition(":")[0] for scenario in SEEDED}
    assert draw("emotion:e1", UTTERANCES, TRAIN, 0) == draw("emotion:e1", UTTERANCES, TRAIN, 1)


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


# By hand: a hash of "forget", the seed 0 and a name puts a to e in the order e b c d a, as
# test_splits.py says.

FIVE = [utterance(name) for name in "abcde"]


def drawn(scenario, utterances, losses=None):
    return "".join(utterances[place].name for place in draw(scenario, utterances, losses=losses))


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("random:2", "be"),
        ("random:60%", "bce"),
        ("sequential:2x2:1", "be"),
        ("sequential:2x2:2", "cd"),
        ("sequential:4x1:3", "c"),
        ("hard:1", "b"),  # of a and b
        ("hard:2", "bc"),  # of a, b, c and d
        ("easy:1", "e"),  # of d and e
        ("easy:2", "be"),  # of b, c, d and e
    ],
)
def test_draws_by_hand(scenario, expected):
    losses = [5.0, 4.0, 3.0, 2.0, 1.0] if scenario[:4] in ("hard", "easy") else None
    assert drawn(scenario, FIVE, losses) == expected


def test_utterances_of_equal_loss_stand_in_the_order_of_their_names():
    # Of a and b, and of a, b, c and d, at either end.
    for kind in ("hard", "easy"):
        assert drawn(f"{kind}:1", FIVE, [1.0] * 5) == "b"
        assert drawn(f"{kind}:2", FIVE, [1.0] * 5) == "bc"


@pytest.mark.parametrize(
    ("statements", "scenario", "expected"),
    [
        ("ppqqr", "duplicates:1", "b"),  # e has no twin
        ("ppqqr", "duplicates:2", "bc"),
        ("pppqq", "duplicates:2", "be"),  # c is a twin of b, and stays
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


def test_a_larger_random_forget_set_contains_a_smaller_one_of_the_same_seed():
    small, large = (set(draw_of_train(f"random:{count}", 7)) for count in (5, 20))
    assert small < large


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
def test_a_sequence_asks_for_disjoint_parts_which_random_would_draw_at_once(scenario, seed):
    size = int(scenario.partition("x")[2])
    parts = [draw_of_train(each, seed) for each in requests(scenario)]
    assert {len(part) for part in parts} == {size}
    union = sorted(place for part in parts for place in part)
    assert union == draw_of_train(f"random:{size * len(parts)}", seed)


def test_a_sequence_stands_for_its_requests_and_each_comes_after_another():
    names = ["sequential:3x4:1", "sequential:3x4:2", "sequential:3x4:3"]
    assert requests("sequential:3x4") == names
    assert requests("sequential:3x4:2") == ["sequential:3x4:2"]
    assert requests("random:16") == ["random:16"]
    assert [before(name) for name in names] == [None, *names[:2]]
    assert before("random:16") is None


# What is refused


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("radnom:16", "no scenario 'radnom'.*random"),
        ("", "no scenario ''"),
        (":16", "no scenario ''"),
        ("random", "not complete.*random:N"),
        ("random:", "not complete.*random:N"),
        ("speaker", "not complete.*speaker:N"),
        ("sequential", "not complete.*sequential:KxN"),
        ("sequential:4", "'' in a scenario is not a number above 0"),
        ("sequential:x4", "'' in a scenario is not a number above 0"),
        ("sequential:2x4:", "'' in a scenario is not a number above 0"),
        ("sequential:2x04", "Write 4"),
        ("sequential:2x4:1:1", "'1:1' in a scenario is not a number above 0"),
    ],
)
def test_an_unknown_or_incomplete_scenario_is_refused_before_anything_is_read(scenario, words):
    with pytest.raises(UserError, match=words):
        requests(scenario)
    with pytest.raises(UserError, match=words):
        draw(scenario, UTTERANCES, TRAIN)


@pytest.mark.parametrize(
    "argument", ["0", "-1", "1.5", "many", "%", "0%", "-5%", "nan%", "inf%", "five%", "5%%"]
)
@pytest.mark.parametrize("kind", sorted({*SCENARIOS} - {"emotion", "sequential"}))
def test_an_argument_that_is_not_a_number_above_0_is_refused(kind, argument):
    with pytest.raises(UserError, match=r"not a number above 0"):
        draw(f"{kind}:{argument}", UTTERANCES, TRAIN)


@pytest.mark.parametrize(
    ("scenario", "shorter"),
    [
        ("random:016", "16"),
        ("random:5.0%", "5"),
        ("random:2.50%", "2.5"),
        ("speaker:+1", "1"),
        ("hard: 8", "8"),
        ("sequential:2x4:01", "1"),
    ],
)
def test_a_scenario_has_one_name(scenario, shorter):
    with pytest.raises(UserError, match=f"Write {shorter}"):
        draw(scenario, UTTERANCES, TRAIN)


SIZE = len(TRAIN)
HALF = (SIZE - 1) // 2


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (f"random:{SIZE}", f"at least 1 and at most {SIZE - 1}"),
        ("random:9999", f"at least 1 and at most {SIZE - 1}"),
        ("random:100%", f"at least 1 and at most {SIZE - 1}"),
        ("random:999%", f"at least 1 and at most {SIZE - 1}"),
        ("speaker:4", r"of 4 training speakers.*at most 3"),
        ("speaker:5", r"of 4 training speakers.*at most 3"),
        ("emotion:e", "There is no emotion 'e'. Did you mean e"),
        ("emotion:joy", "There is no emotion 'joy'. Known: e0, e1, e2"),
        ("speaker-emotion:12", r"of 12 pairs of a training speaker and an emotion.*at most 11"),
        (f"hard:{HALF + 1}", f"{2 * HALF + 2} hardest of {SIZE} training.*at most {HALF}"),
        (f"easy:{HALF + 1}", f"{2 * HALF + 2} easiest of {SIZE} training.*at most {HALF}"),
        ("duplicates:99", r"99 of \d+ groups of training utterances.*Ask for at least 1"),
        ("sequential:2x4:3", "asks for 3 of 2 requests.*at most 2"),
        ("sequential:2x4", "stands for 2 requests. Name one: sequential:2x4:1"),
        (f"sequential:{SIZE}x1:1", f"asks for {SIZE} of {SIZE} training utterances"),
    ],
)
def test_more_than_there_is_is_refused_without_asking_the_original(scenario, words):
    with pytest.raises(UserError, match=words):
        draw(scenario, UTTERANCES, TRAIN)
    with pytest.raises(UserError, match=words):
        check_scenario(scenario, UTTERANCES, TRAIN)


@pytest.mark.parametrize("statement", ["", None])
def test_without_statements_nothing_is_a_duplicate(statement):
    # None: every utterance says something else.
    utterances = [utterance(name, statement=name if statement is None else "") for name in "abcde"]
    with pytest.raises(UserError, match=r"asks for 1 of 0 groups.*Choose another scenario"):
        draw("duplicates:1", utterances)


@pytest.mark.parametrize("emotion", ["a/b", "..", "a:b", " a", "a%"])
def test_an_emotion_whose_name_cannot_be_a_folder_is_refused(emotion):
    utterances = [*FIVE, utterance("f", emotion=emotion)]
    with pytest.raises(UserError, match="cannot name a folder"):
        draw(f"emotion:{emotion}", utterances)
