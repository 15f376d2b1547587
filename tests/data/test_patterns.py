"""Patterns of cards: with a limit in time, they mean what they mean to Python's own `re`."""

import re
import time
from random import Random

import pytest

from ser_unlearn.data import patterns
from ser_unlearn.data.cards import card_names, load_card
from ser_unlearn.data.folders import scan
from ser_unlearn.data.origins import FolderSource
from ser_unlearn.data.patterns import compiled, matcher
from ser_unlearn.errors import UserError

PATTERNS = {
    name: source.pattern
    for name in card_names()
    for source in load_card(name).sources
    if isinstance(source, FolderSource) and source.pattern
}

NAMES = {
    "emodb": ["03a01Fa.wav", "16b10Wf.flac", "08a02Nb.wav"],
    "ravdess": ["03-01-01-01-01-01-01.wav", "03-01-08-02-02-02-24.flac"],
}


@pytest.mark.parametrize("corpus", sorted(PATTERNS))
def test_patterns_of_cards_mean_what_they_mean_to_re(corpus):
    random = Random(0)
    own, other = re.compile(PATTERNS[corpus]), compiled(PATTERNS[corpus])
    assert dict(other.groupindex) == dict(own.groupindex)
    matched = 0
    for _ in range(5_000):
        name = list(random.choice(NAMES.get(corpus, ["a.wav"])))
        for _ in range(random.randrange(3)):
            name[random.randrange(len(name))] = random.choice("0123456789abcdefWLEAFTN-._ ß٣\n")
        text = "".join(name)
        found, wanted = other.fullmatch(text), own.fullmatch(text)
        assert (found and found.groupdict()) == (wanted and wanted.groupdict()), text
        matched += found is not None
    assert corpus not in NAMES or matched > 500


@pytest.mark.parametrize("corpus", sorted(PATTERNS))
def test_patterns_find_the_same_recordings_as_re(corpus, recordings):
    own, match = re.compile(PATTERNS[corpus]), matcher(PATTERNS[corpus])
    names = [path.name for path in recordings(corpus).rglob("*")]
    found = {name: match(name) for name in names}
    assert any(found.values())
    for name, each in found.items():
        wanted = own.fullmatch(name)
        assert (each and each.groupdict()) == (wanted and wanted.groupdict())


def test_a_pattern_that_takes_for_ever_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(patterns, "PATIENCE_S", 0.2)
    pattern = "(?P<emotion>(a|aa)+)+(?P<speaker>b)"
    (tmp_path / ("a" * 100 + ".wav")).touch()
    card = load_card("emodb")
    source = next(each for each in card.sources if isinstance(each, FolderSource))
    start = time.process_time()
    with pytest.raises(UserError, match=r"takes too long on 'a.*\.wav'. Write it") as refusal:
        scan(card, source.model_copy(update={"pattern": pattern}), tmp_path)
    assert time.process_time() - start < 5
    assert str(refusal.value).isprintable()


def test_the_limit_holds_for_all_names_together(monkeypatch):
    monkeypatch.setattr(patterns, "PATIENCE_S", 0.0)
    match = matcher("(?P<emotion>(a|aa)+)+(?P<speaker>b)")
    with pytest.raises(UserError, match="takes too long"):
        match("a" * 60)


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "(?P<a>x",
        "*",
        "(?<",
        "\\",
        "a" * 1_001,
        "a{1000000000}",
        "((((((a{100}){100}){100}){100}){100}){100})",
        "(?x)a{ 1000000 }",
        "(?x:a{ 1000000 })",
        "(?R)",
        "(?P<x>(?&x)*)",
        r"\p{L}",
    ],
)
def test_what_is_no_pattern_is_a_fault_in_one_line(pattern):
    with pytest.raises(ValueError, match=r"^the pattern "):
        compiled(pattern)
