"""What belongs to the suite `paper`, and that what does not changes nothing there."""

from __future__ import annotations

from pathlib import Path

import pytest
from fields import field, found_by, leaderboard_of, write
from toys import make_record

from ser_unlearn.report.outcomes import outcome_of
from ser_unlearn.report.parts import asked, belongs, parts
from ser_unlearn.runner.suite import load_suite

INSIDE = {
    "corpus": "ravdess",
    "scenario": "random:16",
    "references": 5,
    "attacks": found_by("loss", "iam"),
}


def seeds(model, forget, method=0):
    return {"seeds": {"model": model, "forget": forget, "method": method}}


@pytest.mark.parametrize(
    ("changes", "inside"),
    [
        ({}, True),
        (seeds(5, 5), True),
        ({"label": "fade-zero"}, True),
        ({"corpus": "emodb"}, False),
        ({"recipe": "other"}, False),
        ({"scenario": "random:5%"}, False),
        (seeds(6, 6), False),
        (seeds(0, 1), False),
        (seeds(0, 0, 1), False),
        ({"label": "fade[epochs=9]"}, False),
        ({"tuned": {"criterion": "distance", "trials": 9}}, False),
        ({"references": 3}, False),
        ({"attacks": found_by("loss")}, False),
        ({"attacks": found_by("loss", "iam", "ulira")}, False),
        ({"status": "failed", "references": 0, "attacks": {}}, True),
    ],
)
def test_the_suite_has_its_tables_its_runs_and_the_defaults(changes, inside):
    outcome = outcome_of(make_record(**{**INSIDE, **changes}))
    suite = load_suite("paper")
    assert belongs(outcome, suite, asked(suite)) is inside


OWN = (
    *field([("npo[steps=9]", ("forget",), 1.1, 0.01, 0.0, 0.0)]),
    *field([("npo", ("forget",), 1.1, 0.01, 0.0, 0.0)], tables=[("emodb", "random:16")]),
)


def test_own_records_stand_apart_and_beside_what_they_are_compared_with():
    suite, own = parts(map(outcome_of, [*field(), *OWN]))
    assert (suite.own, own.own) == (False, True)
    assert {line.label for line in own.rows} == {"original", "retrain", "npo", "npo[steps=9]"}
    assert {line.tables[0][0] for line in own.rows if line.label == "npo"} == {"emodb"}
    assert "npo[steps=9]" not in {line.label for line in suite.rows}


def test_own_records_change_nothing_of_what_is_said_of_the_suite(tmp_path: Path):
    write(tmp_path, field())
    before = leaderboard_of(tmp_path)
    write(tmp_path, OWN)
    after = leaderboard_of(tmp_path)
    text, mark, glossary = before.partition("<details>\n<summary>How to read this page</summary>")
    assert mark
    assert after.startswith(text)
    assert after.endswith(mark + glossary)
    beside = after.removeprefix(text)
    assert beside.startswith("## Beside the suite paper")
    assert "npo[steps=9] comes nearest to retraining" in beside
