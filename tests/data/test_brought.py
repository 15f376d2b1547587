"""Corpora from outside of the project: cards by their paths, and recordings without any."""

import pickle
import shutil

import pytest
import yaml
from forms import EMOTIONS, FORMS, with_table
from tiny_cards import section

from ser_unlearn.data.brought import bring
from ser_unlearn.data.cards import CARDS, load_card, parse_card
from ser_unlearn.data.drafts import draft_by_paths, to_yaml
from ser_unlearn.errors import UserError
from ser_unlearn.runner.grid import Options, place_of

WITH_COLUMNS = sorted(set(FORMS) - {"folders", "folders, names repeated", "audiofolder, labels"})
"""The forms that two names of columns are enough for."""


def write_card(path, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(section(name=path.stem, **changes)), encoding="utf-8")
    return str(path)


def test_a_card_may_lie_anywhere(tmp_path):
    path = write_card(tmp_path / "shouts.yaml")
    assert load_card(path).name == "shouts"
    names, brought = bring(["espeak", path])
    assert names == ["espeak", "shouts"]
    assert list(brought) == ["shouts"]
    assert (brought["shouts"].card, brought["shouts"].folder) == (load_card(path), None)


def test_a_project_card_may_be_named_by_its_path():
    assert bring([str(CARDS / "emodb.yaml")]) == (["emodb"], {})


@pytest.mark.parametrize("form", WITH_COLUMNS)
def test_two_columns_are_enough(form, tmp_path, store):
    folder = tmp_path / "shouts"
    FORMS[form][0](folder)
    names, brought = bring([str(folder)], "emotion", "speaker")
    assert names == ["shouts"]
    found = brought["shouts"]
    assert found.card.emotions == list(EMOTIONS)
    assert found.folder == folder.resolve()
    place = place_of("shouts", "tiny", Options(tmp_path / "results", brought=brought))
    corpus = pickle.loads(pickle.dumps(place)).setup().corpus
    assert corpus.card == found.card
    assert len(corpus.utterances) == 24


def test_a_card_from_elsewhere_reads_the_folder_of_its_corpus(ravdess_like, tmp_path):
    names, brought = bring([write_card(tmp_path / "cards" / "shouts.yaml")])
    shutil.move(ravdess_like(), tmp_path / "data" / "shouts")
    options = Options(tmp_path / "results", data_dir=tmp_path / "data", brought=brought)
    place = place_of(names[0], "tiny", options)
    assert place.data_dir == (tmp_path / "data" / "shouts").resolve()
    assert len(place.setup().corpus.utterances) == 24
    assert place.setup().corpus.card.digest == brought["shouts"].card.digest


def test_a_draft_is_a_card(tmp_path):
    folder = FORMS["folders"][0](tmp_path / "shouts")
    made = draft_by_paths(folder, r"(?P<emotion>[a-z]+)/(?P<speaker>[a-z]+)/.*")
    assert made.emotions == list(EMOTIONS)
    assert parse_card(to_yaml(made), tmp_path / "shouts.yaml") == made
    assert (made.utterances, made.licence) == (None, "not stated")


def test_the_draft_of_a_table_finds_the_column_with_recordings(tmp_path):
    folder = FORMS["CSV"][0](tmp_path / "shouts")
    _, brought = bring([str(folder)], "emotion", "speaker")
    (source,) = brought["shouts"].card.sources
    assert source.model_dump(exclude_defaults=True) == with_table("labels.csv", "clip")


def test_a_draft_of_the_same_recordings_is_the_same(tmp_path):
    folder = FORMS["Parquet"][0](tmp_path / "shouts")
    first, second = (bring([str(folder)], "emotion", "speaker")[1]["shouts"] for _ in range(2))
    assert first.card.digest == second.card.digest


def two_tables(folder):
    FORMS["CSV"][0](folder)
    shutil.copy(folder / "labels.csv", folder / "again.csv")


def no_files_in_the_table(folder):
    FORMS["CSV"][0](folder)
    shutil.rmtree(folder / "clips")


def damaged_parquet(folder):
    folder.mkdir()
    (folder / "all.parquet").write_bytes(b"PAR1")


FAULTS = [
    ("shouts", ("emotion", "speaker"), damaged_parquet, "all.parquet cannot be read: it is not"),
    ("nowhere", ("emotion", "speaker"), None, "no corpus"),
    ("shouts", (None, None), FORMS["CSV"][0], "is a folder without a card. Name the columns"),
    ("shouts", ("emotion", None), FORMS["CSV"][0], "--speaker-column NAME"),
    ("shouts", ("mood", "speaker"), FORMS["CSV"][0], "No tables in .* the columns 'mood' and"),
    ("shouts", ("mood", "speaker"), FORMS["Parquet"][0], "no column 'mood'.* It has audio, emot"),
    ("shouts", ("emotion", "who"), FORMS["save_to_disk"][0], "no column 'who'"),
    ("shouts", ("emotion", "speaker"), FORMS["folders"][0], "No tables in .* It holds calm/ann"),
    ("shouts", ("emotion", "speaker"), two_tables, "2 tables in .* have the columns"),
    ("shouts", ("emotion", "speaker"), no_files_in_the_table, "No column of .* names files in"),
    ("shouts", ("clip", "speaker"), FORMS["CSV"][0], "'clips/ann_calm_0.wav' holds a slash"),
    ("emodb", ("emotion", "speaker"), FORMS["CSV"][0], "another corpus called 'emodb'.*Rename"),
    ("x" * 300, ("emotion", "speaker"), None, "no corpus '.*xxx ...'"),
]


@pytest.mark.parametrize(("name", "columns", "write", "words"), FAULTS)
def test_what_cannot_be_brought_is_refused(name, columns, write, words, tmp_path):
    if write:
        write(tmp_path / name)
    with pytest.raises(UserError, match=words) as refusal:
        bring([str(tmp_path / name)], *columns)
    assert str(refusal.value).isprintable()


def test_a_column_of_texts_is_no_emotion(tmp_path):
    folder = tmp_path / "shouts"
    FORMS["CSV"][0](folder)
    table = folder / "labels.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    many = [f"{line},text{number}" for number, line in enumerate(lines[1:])]
    table.write_text("\n".join([f"{lines[0]},text", *many]), encoding="utf-8")
    names, _ = bring([str(folder)], "text", "speaker")
    assert names == ["shouts"]  # 24 are possible
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ser_unlearn.data.drafts.MOST_EMOTIONS", 23)
        with pytest.raises(UserError, match="24 different emotions, such as 'text0'"):
            bring([str(folder)], "text", "speaker")


def test_two_corpora_of_one_name_are_refused(tmp_path):
    first = write_card(tmp_path / "a" / "shouts.yaml")
    second = write_card(tmp_path / "b" / "shouts.yaml", utterances=23)
    assert bring([first, first])[0] == ["shouts", "shouts"]
    with pytest.raises(UserError, match="another corpus called 'shouts'"):
        bring([first, second])
