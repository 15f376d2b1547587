"""The search: which settings it draws, what it heeds, and which is the best."""

from __future__ import annotations

from typing import Any

import numpy as np
from trials import DEFAULTS, trial

from ser_unlearn.tuning.search import STARTUP, Search
from ser_unlearn.tuning.space import Choice, Range
from ser_unlearn.tuning.studies import best_of

SPACE = {
    "rate": Range(low=1e-4, high=1.0, scale="log"),
    "epochs": Range(low=1, high=512, scale="int"),
    "mode": Choice(values=["soft", "hard"]),
}

BEST = 3e-2


def bowl(parameters: Any) -> float | None:
    return abs(float(np.log10(parameters["rate"] / BEST)))


def searched(count: int, seed: int = 0, worth: Any = bowl) -> list[dict[str, Any]]:
    """The settings that a search draws, where each is worth what `worth` says."""
    search = Search(SPACE, DEFAULTS, seed)
    settings: list[dict[str, Any]] = []
    while len(settings) < count:
        asked = search.ask(count - len(settings))
        for each in asked:
            search.tell(each, worth(each))
        settings += map(dict, asked)
    return settings


def test_the_first_setting_is_the_defaults_and_the_first_few_are_asked_for_together():
    for most in (1, 3, STARTUP, STARTUP + 2):
        search = Search(SPACE, DEFAULTS, 0)
        asked = search.ask(most)
        assert len(asked) == min(most, STARTUP)
        assert asked[0] == DEFAULTS
        assert len({each["rate"] for each in asked}) == len(asked)
        for each in asked:
            search.tell(each, bowl(each))
        assert len(search.ask(most - len(asked))) == (most > STARTUP)


def test_settings_lie_in_the_space_and_leave_the_other_fields_alone():
    for each in searched(STARTUP + 5):
        assert all(each[field] in SPACE[field] for field in SPACE)
        assert {**each, **DEFAULTS} == DEFAULTS
        assert {**each, **{field: DEFAULTS[field] for field in SPACE}} == DEFAULTS


def test_settings_have_two_significant_digits_and_the_search_knows_them_by_these():
    search = Search(SPACE, DEFAULTS, 0)
    asked = search.ask(STARTUP)
    for each in asked:
        search.tell(each, bowl(each))
    for each in [*asked, *search.ask(1)]:
        assert float(f"{each['rate']:.1e}") == each["rate"]
        assert float(f"{each['epochs']:.1e}") == each["epochs"]
        assert type(each["epochs"]) is int
    told = [each.params for each in search._study.trials if each.state.name == "COMPLETE"]
    assert told == [{field: each[field] for field in SPACE} for each in asked]


def test_the_same_seed_draws_the_same_settings():
    assert searched(STARTUP + 3) == searched(STARTUP + 3)
    assert searched(3, seed=1) != searched(3)
    # More trials go on where fewer ended.
    assert searched(STARTUP + 3)[: STARTUP + 1] == searched(STARTUP + 1)


def test_the_search_heeds_what_settings_are_worth():
    one, other = (
        searched(STARTUP + 5, worth=worth) for worth in (bowl, lambda each: 9 - bowl(each))
    )
    assert one[:STARTUP] == other[:STARTUP]
    assert one[STARTUP:] != other[STARTUP:]


def test_the_search_goes_on_where_settings_fail():
    failing = searched(STARTUP + 4, worth=lambda each: bowl(each) if each["rate"] < 0.1 else None)
    assert len(failing) == STARTUP + 4
    assert len(searched(STARTUP + 2, worth=lambda _: None)) == STARTUP + 2


def test_the_best_is_the_first_of_equals_and_none_where_all_failed():
    assert best_of([trial({}, None), trial({}, 4.0), trial({}, 2.0), trial({}, 2.0)]) == 2
    assert best_of([trial({}, None)]) is None
