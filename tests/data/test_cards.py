"""Cards of corpora: the project's own, and every way to write one wrongly."""

from pathlib import Path

import pytest
import yaml
from tiny_cards import PATTERN, card, folder_source, hub_source, section

from ser_unlearn.data.cards import CARDS, card_names, load_card, parse_card
from ser_unlearn.errors import UserError


def test_the_cards_are_those_of_the_folder():
    assert {"emodb", "espeak", "ravdess"} <= set(card_names())
    assert card_names() == sorted(path.stem for path in CARDS.glob("*.yaml"))


@pytest.mark.parametrize("name", card_names())
def test_every_card_is_valid_and_consistent(name):
    found = load_card(name)
    assert found.name == name
    assert len(set(found.emotions)) == len(found.emotions)
    if found.genders and found.speakers:
        assert len(found.genders) == found.speakers
    for source in found.sources:
        if source.kind != "espeak":
            codes = source.codes.get("emotion", {}).values()
            assert set(codes) - {None} <= set(found.emotions)
            speakers = source.codes.get("speaker", {}).values()
            assert not found.genders or set(speakers) - {None} <= set(found.genders)


def test_an_unknown_corpus_gets_a_suggestion():
    with pytest.raises(UserError, match=r"no corpus 'ravdes'. Did you mean ravdess"):
        load_card("ravdes")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"utterances": 0}, "utterances"),
        ({"utterances": "many"}, "utterances"),
        ({"speakers": 1}, "speakers"),
        ({"emotions": ["neutral"]}, "emotions"),
        ({"sources": []}, "sources"),
        ({"sources": [{"kind": "cloud"}]}, "cloud"),
        (
            {"sources": [folder_source(pattern=r"(?P<emotion>\w)")]},
            "lacks the named groups speaker",
        ),
        ({"sources": [folder_source(pattern=r".*\.wav")]}, "named groups emotion, speaker"),
        ({"sources": [folder_source(pattern=r"(?P<emotion>.)(?P<speaker>.")]}, "pattern"),
        ({"sources": [folder_source(patern="x")]}, "patern"),
        (
            {"sources": [hub_source(revision="main")]},
            "revision",
        ),
        ({"sources": [hub_source(columns={"emotion": "e"})]}, "the columns lack speaker"),
        ({"sources": [hub_source(extract={"speaker": "x"})]}, "speaker has no group"),
        ({"sources": [hub_source(extract={"speaker": "("})]}, "not a regular expression"),
        ({"sources": [hub_source(configuratoin="x")]}, "configuratoin"),
        ({"sources": [hub_source() | {"kind": "local"}]}, "id"),
        ({"sources": [folder_source(path_pattern=PATTERN)]}, "one of pattern, path_pattern and"),
        ({"sources": [{"kind": "folder"}]}, "one of pattern, path_pattern and table"),
        (
            {"sources": [{"kind": "folder", "path_pattern": r"(?P<speaker>\w)"}]},
            "named groups emotion",
        ),
        (
            {
                "sources": [
                    {
                        "kind": "folder",
                        "table": {"file": "a.csv", "columns": {"emotion": "e", "speaker": "s"}},
                    }
                ]
            },
            "the columns lack audio",
        ),
        ({"genders": {"01": "robot"}}, "genders"),
        ({"genders": {1: "male"}}, "genders"),  # YAML's 01 is a number; it must be quoted
        ({"split": {"heldout": 0}}, "heldout"),
        ({"split": {"validation": 1.5}}, "validation"),
        ({"split": {"tset_speakers": 0.5}}, "tset_speakers"),
        ({"faults": {"exclude": "one"}}, "exclude"),
        ({"licence": None}, "licence"),
        ({"authors": "them"}, "authors"),
    ],
)
def test_an_invalid_card_is_refused_with_its_path_and_the_thing(changes, words):
    with pytest.raises(UserError, match=words) as refusal:
        card(**changes)
    assert "tiny.yaml" in str(refusal.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "just text", "name: [", "name: !!python/name:os"])
def test_a_card_that_is_no_mapping_or_no_yaml_is_refused(text):
    with pytest.raises(UserError, match=r"tiny\.yaml is not valid"):
        parse_card(text, Path("tiny.yaml"))


def test_a_card_without_a_key_is_refused_with_the_key():
    mapping = section()
    del mapping["citation"]
    with pytest.raises(UserError, match="citation"):
        parse_card(yaml.safe_dump(mapping), Path("tiny.yaml"))


def test_a_card_that_goes_by_another_name_than_its_file_is_refused():
    with pytest.raises(UserError, match="calls itself 'tiny'"):
        parse_card(yaml.safe_dump(section()), Path("small.yaml"))


def test_no_corpus_may_be_called_as_the_folder_of_studies():
    with pytest.raises(UserError, match="where the studies of tuning lie"):
        parse_card(yaml.safe_dump({**section(), "name": "tuning"}), Path("tuning.yaml"))


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "B"},
        {"licence": "B"},
        {"citation": "B"},
        {"language": "B"},
        {"faults": {"notes": ["B"]}},
    ],
)
def test_prose_does_not_change_a_cards_digest(changes):
    assert card(**changes).digest == card().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"utterances": 25},
        {"emotions": ["angry", "neutral"]},
        {"faults": {"exclude": ["03-01-01-01-01-01-01"]}},
        {"split": {"seed": 1}},
        {"genders": {"01": "male"}},
        {"sources": [folder_source(codes={})]},
    ],
)
def test_all_else_changes_a_cards_digest(changes):
    assert card(**changes).digest != card().digest
