"""Corpora from local folders: labels, copies, and recordings that are not as promised."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounds import RATE, noise, tone, write_wav
from tiny_cards import PATTERN, card, folder_source

import datasets
from ser_unlearn.data.cards import load_card
from ser_unlearn.data.corpus import Corpus
from ser_unlearn.errors import UserError
from ser_unlearn.results.store import DamagedArtefactWarning


def test_a_folder_is_read_with_the_labels_of_its_names(ravdess_like, store):
    found = Corpus(card(), store, ravdess_like()).utterances
    assert [each.name for each in found] == sorted(each.name for each in found)
    assert len(found) == 24
    first = found[0]
    assert first.name == "03-01-01-01-01-01-01"
    assert (first.emotion, first.speaker, first.statement) == ("neutral", "01", "01")
    assert first.duration_s == 0.3
    assert {each.emotion for each in found} == {"neutral", "angry"}
    assert len({each.content for each in found}) == 24


def test_the_pattern_of_emodb_reads_names_like_its_own(emodb_like, store):
    known = load_card("emodb").model_copy(update={"utterances": 24, "speakers": 3})
    found = {each.name: each for each in Corpus(known, store, emodb_like()).utterances}
    assert len(found) == 24
    each = found["08b02Wa"]
    assert (each.speaker, each.statement, each.emotion) == ("08", "b02", "anger")


def test_the_statement_may_be_left_out_of_the_pattern(ravdess_like, store):
    pattern = PATTERN.replace("?P<statement>", "")
    found = Corpus(card(sources=[folder_source(pattern=pattern)]), store, ravdess_like())
    assert {each.statement for each in found.utterances} == {""}


def test_files_of_other_names_are_left_alone(ravdess_like, store):
    folder = ravdess_like()
    (folder / "README.md").write_text("No recording.", encoding="utf-8")
    (folder / "Actor_01" / "03-01-01-01-01-01-01.txt").write_text("Nor this.", encoding="utf-8")
    write_wav(folder / "Actor_01" / "03-02-01-01-01-01-01.wav", 99)  # song, not speech
    assert len(Corpus(card(), store, folder).utterances) == 24


def test_recordings_come_with_samples_and_rate(ravdess_like, store):
    corpus = Corpus(card(), store, ravdess_like())
    found = {name: (samples, rate) for name, samples, rate in corpus.recordings()}
    samples, rate = found["03-01-01-01-01-01-01"]  # written first: number 0
    assert rate == RATE
    # Written in 16-bit steps of 1 / 32,768, rounded or cut.
    np.testing.assert_allclose(samples, tone(200) + noise(0), atol=3.1e-5)
    assert set(found) == {each.name for each in corpus.utterances}


def test_the_dataset_has_four_columns_and_is_not_decoded(ravdess_like, store):
    dataset = Corpus(card(), store, ravdess_like()).dataset
    assert isinstance(dataset, datasets.Dataset)
    assert dataset.column_names == ["audio", "emotion", "speaker", "statement"]
    assert Path(dataset[0]["audio"]["path"]).suffix == ".wav"


def test_a_second_look_needs_no_decoding(ravdess_like, store, monkeypatch):
    folder = ravdess_like()
    first = Corpus(card(), store, folder).utterances
    monkeypatch.setattr("ser_unlearn.data.corpus.decode", None)  # calling it would raise
    assert Corpus(card(), store, folder).utterances == first


def test_a_damaged_table_is_made_again(ravdess_like, store):
    folder = ravdess_like()
    first = Corpus(card(), store, folder).utterances
    (path,) = (store.root / "corpora").rglob("*.json")
    path.write_text("{", encoding="utf-8")
    with pytest.warns(DamagedArtefactWarning):
        again = Corpus(card(), store, folder).utterances
    assert again == first


def test_identity_follows_the_bytes_and_not_the_place(ravdess_like, store, tmp_path):
    folder = ravdess_like()
    first = Corpus(card(), store, folder).identity
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert Corpus(card(), store, moved).identity == first
    write_wav(moved / "Actor_01" / "03-01-01-01-01-01-01.wav", 99)
    assert Corpus(card(), store, moved).identity != first


def test_an_unknown_code_is_named_with_the_file(ravdess_like, store):
    folder = ravdess_like(emotions=("01", "05", "08"))
    with pytest.raises(UserError, match=r"03-01-08-.*emotion code '08'.*does not know"):
        Corpus(card(), store, folder)


def test_an_emotion_that_the_card_does_not_list_is_named_with_the_file(ravdess_like, store):
    codes = {"emotion": {"01": "neutral", "05": "furious"}}
    with pytest.raises(UserError, match=r"03-01-05-.*emotion 'furious'.*Known: neutral, angry"):
        Corpus(card(sources=[folder_source(codes=codes)]), store, ravdess_like())


@pytest.mark.parametrize("folder", [".", "nowhere"], ids=["empty", "not there"])
def test_a_folder_without_matching_files_is_refused(store, tmp_path, folder):
    with pytest.raises(UserError, match=r"No file in .* has a name that the card 'tiny' knows"):
        Corpus(card(), store, tmp_path / folder)


def test_a_corpus_with_a_folder_source_alone_asks_for_the_folder(store):
    with pytest.raises(UserError, match=r"'tiny' is read from a local folder.*--data-dir"):
        Corpus(card(), store)


def test_a_corpus_without_a_folder_source_takes_no_folder(store, tmp_path):
    with pytest.raises(UserError, match="'espeak' has no folder source"):
        Corpus(load_card("espeak"), store, tmp_path)


def test_two_files_of_one_name_are_refused(ravdess_like, store):
    folder = ravdess_like()
    write_wav(folder / "copy" / "03-01-01-01-01-01-01.wav", 99)
    with pytest.raises(UserError, match="more than one file called 03-01-01-01-01-01-01"):
        Corpus(card(), store, folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"utterances": 25}, "should have 25 utterances by 3 speakers, but 24 by 3"),
        ({"speakers": 4}, "should have 24 utterances by 4 speakers, but 24 by 3"),
    ],
)
def test_counts_other_than_the_cards_are_refused(ravdess_like, store, changes, words):
    corpus = Corpus(card(**changes), store, ravdess_like())
    with pytest.raises(UserError, match=words):
        _ = corpus.utterances


def test_a_bad_recording_is_refused_by_name(ravdess_like, store):
    folder = ravdess_like()
    (folder / "Actor_02" / "03-01-05-01-01-01-02.wav").write_bytes(b"RIFF, or not")
    corpus = Corpus(card(), store, folder)
    with pytest.raises(UserError, match="'03-01-05-01-01-01-02' is not audio"):
        _ = corpus.utterances


def test_excluded_recordings_are_left_out_unread(ravdess_like, store):
    folder = ravdess_like()
    (folder / "Actor_02" / "03-01-05-01-01-01-02.wav").write_bytes(b"RIFF, or not")
    faults = {"exclude": ["03-01-05-01-01-01-02"]}
    found = Corpus(card(faults=faults, utterances=23), store, folder).utterances
    assert len(found) == 23
    assert "03-01-05-01-01-01-02" not in {each.name for each in found}


def test_of_two_copies_of_a_recording_the_first_by_name_is_kept(ravdess_like, store):
    folder = ravdess_like()
    actor = folder / "Actor_02"
    shutil.copy(actor / "03-01-05-01-02-02-02.wav", actor / "03-01-05-01-01-01-02.wav")
    names = {each.name for each in Corpus(card(), store, folder).utterances}
    assert len(names) == 23
    assert "03-01-05-01-01-01-02" in names
    assert "03-01-05-01-02-02-02" not in names


def test_copies_are_known_by_their_samples_and_not_their_bytes(ravdess_like, store):
    folder = ravdess_like()
    actor = folder / "Actor_02"
    samples, rate = soundfile.read(actor / "03-01-05-01-01-01-02.wav", dtype="int16")
    (actor / "03-01-05-01-01-02-02.wav").unlink()
    soundfile.write(actor / "03-01-05-01-01-02-02.flac", samples, rate)
    assert len(Corpus(card(), store, folder).utterances) == 23


@pytest.mark.parametrize(
    "copy",
    ["Actor_02/03-01-01-01-01-01-02.wav", "Actor_03/03-01-05-01-01-01-03.wav"],
    ids=["another emotion", "another speaker"],
)
def test_copies_whose_labels_disagree_are_all_left_out(ravdess_like, store, copy):
    folder = ravdess_like()
    shutil.copy(folder / "Actor_02" / "03-01-05-01-01-01-02.wav", folder / copy)
    names = {each.name for each in Corpus(card(), store, folder).utterances}
    assert len(names) == 22
    assert not {"03-01-05-01-01-01-02", Path(copy).stem} & names
