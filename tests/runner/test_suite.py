"""Suites: what a bad one is refused for."""

from pathlib import Path

import pytest
from mutations import survive

from ser_unlearn.errors import UserError
from ser_unlearn.runner import suite
from ser_unlearn.runner.suite import SUITES, load_suite, parse_suite, suite_names

GOOD = (SUITES / "paper.yaml").read_text()


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_is_valid(name):
    assert load_suite(name).description


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no mapping"),
        (GOOD + "timeout_s: 1\n", "'timeout_s' stands there twice"),
        (GOOD.replace("timeout_s: 1800", "timeout_s: .inf"), "inf, which is no number"),
        (GOOD.replace("timeout_s: 1800", "timeout_s: 0"), "timeout_s: .*greater than 0"),
        (GOOD + "more: 1\n", "more: Extra inputs"),
        (GOOD.replace("  ased: [", "  emodb: ["), "scenarios by corpus"),
        (
            GOOD.replace("references: 5", "references: 1"),
            "references: .*greater than or equal to 2",
        ),
        (GOOD + "durability: !!python/name:os.system\n", "tag"),
        (GOOD.replace("runs: 6", "runs: " + "9" * 400), "18 digits"),
    ],
)
def test_a_bad_suite_is_refused_in_one_line(text, words):
    with pytest.raises(UserError, match=words) as refusal:
        parse_suite(text, Path("paper.yaml"))
    message = str(refusal.value)
    assert message.startswith("The suite paper.yaml is not valid. Mend this:")
    assert message.isprintable()


def test_mutations_of_a_suite_are_taken_or_refused():
    survive(GOOD, lambda text: parse_suite(text, Path("paper.yaml")))


def test_a_suite_that_cannot_be_read_is_refused_by_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "SUITES", tmp_path)
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"endless\.yaml cannot be read: it is not an ordinary"):
        load_suite("endless")
