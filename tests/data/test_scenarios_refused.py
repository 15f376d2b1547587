"""Scenarios: every way to ask wrongly, and for more than there is."""

import pytest
from draws import FIVE, TRAIN, UTTERANCES, draw, utterance

from ser_unlearn.data.scenarios import SCENARIOS, check_scenario, requests
from ser_unlearn.errors import UserError


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
@pytest.mark.parametrize("kind", sorted({*SCENARIOS} - {"emotion", "sequential", "list"}))
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
