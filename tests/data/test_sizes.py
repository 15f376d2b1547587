"""Numbers in scenarios that are absurd: refused before anything is listed."""

import pytest

from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.scenarios import check_scenario, requests
from ser_unlearn.errors import UserError

UTTERANCES = [Utterance(str(each), "e", f"s{each % 2}", "t", str(each), 1.0) for each in range(10)]


@pytest.mark.parametrize(
    "scenario",
    [
        "random:99999999999999999999",
        "random:" + "9" * 400,
        "random:" + "9" * 5_000,
        "random:1e308%",
        "speaker:" + "9" * 5_000,
        "sequential:1000000000x1",
        "sequential:1001x1",
        "sequential:1x" + "9" * 400,
        "sequential:" + "9" * 5_000 + "x1",
        "sequential:2x4:" + "9" * 5_000,
        "hard:1000000001",
    ],
)
def test_an_absurd_number_is_refused_at_once_and_in_one_line(scenario):
    for ask in (requests, lambda each: check_scenario(each, UTTERANCES, range(10))):
        with pytest.raises(UserError, match=r"in a scenario is not|is too long") as refusal:
            ask(scenario)
        assert len(str(refusal.value)) < 200


def test_an_absurd_name_is_not_repeated_in_full():
    with pytest.raises(UserError, match="There is no scenario") as refusal:
        requests("x" * 100_000)
    assert len(str(refusal.value)) < 300
