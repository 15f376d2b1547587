"""Every form that data comes in, and that a change of it is noticed."""

import io
from collections import Counter

import forms
import numpy as np
import pytest
import soundfile
from forms import EMOTIONS, FORMS, ROWS, SPEAKERS, audiofolder, sound
from sounds import write_wav
from tiny_cards import card

from ser_unlearn.data.corpus import Corpus

FORM_NAMES = sorted(FORMS)

NAMING_THEIR_PLACE = ("Parquet, whole paths", "save_to_disk, paths")


def corpus_in(form, folder, store, **changes):
    write, source = FORMS[form]
    if not folder.exists():
        write(folder)
    made = card(emotions=list(EMOTIONS), sources=[source], utterances=24, speakers=3, **changes)
    return Corpus(made, store, folder)


@pytest.mark.parametrize("form", FORM_NAMES)
def test_every_form_is_read_with_its_labels(form, tmp_path, store):
    found = corpus_in(form, tmp_path / "data", store).utterances
    assert Counter((each.emotion, each.speaker) for each in found) == {
        (emotion, speaker): 4 for emotion in EMOTIONS for speaker in SPEAKERS
    }
    assert len({each.content for each in found}) == 24


@pytest.mark.parametrize("form", FORM_NAMES)
def test_labels_and_recordings_of_every_form_belong_together(form, tmp_path, store):
    corpus = corpus_in(form, tmp_path / "data", store)
    names = {name: samples for name, samples, _ in corpus.recordings()}
    found = {each.name: each for each in corpus.utterances}
    assert set(names) == set(found)
    for number, row in enumerate(ROWS):
        samples = decoded(number)
        (name,) = (name for name, each in names.items() if np.array_equal(each, samples))
        assert (found[name].emotion, found[name].speaker) == (row["emotion"], row["speaker"])


@pytest.mark.parametrize("form", FORM_NAMES)
def test_the_dataset_of_every_form_has_recordings(form, tmp_path, store):
    dataset = corpus_in(form, tmp_path / "data", store).dataset
    assert len(dataset) == 24
    audio = dataset[0]["audio"]
    assert audio["bytes"] or audio["path"]


@pytest.mark.parametrize("form", [each for each in FORM_NAMES if each not in NAMING_THEIR_PLACE])
def test_no_form_depends_on_where_it_lies(form, tmp_path, store):
    corpus = corpus_in(form, tmp_path / "data", store)
    first = corpus.identity, corpus.utterances
    moved = corpus_in(form, (tmp_path / "data").rename(tmp_path / "moved"), store)
    assert (moved.identity, moved.utterances) == first


@pytest.mark.parametrize("form", FORM_NAMES)
def test_a_changed_recording_is_never_read_from_the_store(form, tmp_path, store, monkeypatch):
    before = corpus_in(form, tmp_path / "data", store)
    known = before.identity, {each.content for each in before.utterances}
    rewrite(form, tmp_path / "again", monkeypatch)
    after = corpus_in(form, tmp_path / "again", store)
    assert after.identity != known[0]
    assert len({each.content for each in after.utterances} - known[1]) == 1


def test_a_changed_label_is_never_read_from_the_store(tmp_path, store):
    folder = audiofolder(tmp_path / "data")
    before = corpus_in("audiofolder", folder, store)
    identity = before.identity
    first = {each.name: each.emotion for each in before.utterances}
    table = folder / "metadata.csv"
    text = table.read_text(encoding="utf-8")
    changed = text.replace("clips/ann_calm_0.wav,calm", "clips/ann_calm_0.wav,loud")
    table.write_text(changed, encoding="utf-8")
    after = corpus_in("audiofolder", folder, store)
    assert after.identity != identity
    assert {each.name: each.emotion for each in after.utterances} == first | {"ann_calm_0": "loud"}


def test_a_recording_that_moves_to_another_folder_changes_the_identity(tmp_path, store):
    before = corpus_in("folders", tmp_path / "data", store).identity
    folder = tmp_path / "data"
    (folder / "calm" / "ann" / "ann_calm_0.wav").rename(folder / "loud" / "ann" / "ann_calm_0.wav")
    assert corpus_in("folders", folder, store).identity != before


def test_recordings_that_share_a_name_are_called_by_their_folders(tmp_path, store):
    found = corpus_in("folders, names repeated", tmp_path / "data", store).utterances
    assert found[0].name == "ann-calm-0"
    assert len({each.name for each in found}) == 24


def test_only_the_splits_that_a_card_names_are_read(tmp_path, store):
    for form in ("save_to_disk, splits", "audiofolder, splits"):
        write, source = FORMS[form]
        folder = write(tmp_path / form)
        made = card(
            emotions=list(EMOTIONS),
            sources=[source | {"split": "train"}],
            utterances=16,
            speakers=2,
        )
        assert {each.speaker for each in Corpus(made, store, folder).utterances} == {"ann", "bob"}


def test_a_text_that_stands_for_nothing_leaves_its_recordings_out(tmp_path, store):
    write, source = FORMS["CSV"]
    codes = {"speaker": {"ann": "a", "bob": "b", "cem": None}}
    made = card(
        emotions=list(EMOTIONS), sources=[source | {"codes": codes}], utterances=16, speakers=2
    )
    found = Corpus(made, store, write(tmp_path / "data")).utterances
    assert {each.speaker for each in found} == {"a", "b"}


def test_a_table_may_name_recordings_by_a_template(tmp_path, store):
    write, source = FORMS["CSV"]
    columns = source["table"]["columns"] | {"audio": "clips/{clip}"}
    folder = write(tmp_path / "data")
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace("clips/", ""))
    table = {"file": "labels.csv", "columns": columns}
    made = card(emotions=list(EMOTIONS), sources=[{"kind": "folder", "table": table}])
    assert len(Corpus(made, store, folder).utterances) == 24


def test_a_copy_of_the_hubs_data_set_is_read_from_a_folder(tmp_path, store):
    write, _ = FORMS["Parquet"]
    columns = {"emotion": "emotion", "speaker": "speaker"}
    hub = {"kind": "hub", "id": "a/b", "revision": "0" * 40, "columns": columns}
    made = card(emotions=list(EMOTIONS), sources=[hub])
    assert len(Corpus(made, store, write(tmp_path / "data")).utterances) == 24


def test_of_several_sources_that_read_folders_the_one_that_knows_it_is_used(tmp_path, store):
    sources = [FORMS[form][1] for form in ("folders", "CSV", "Parquet")]
    made = card(emotions=list(EMOTIONS), sources=sources)
    for form in ("folders", "CSV", "Parquet"):
        folder = FORMS[form][0](tmp_path / form)
        assert len(Corpus(made, store, folder).utterances) == 24


def decoded(number):
    samples, _ = soundfile.read(io.BytesIO(sound(number)), dtype="float32")
    return samples


def rewrite(form, folder, monkeypatch):
    """Write a form anew with another recording in the place of the first."""
    monkeypatch.setattr(forms, "sound", lambda number: sound(number or 99))
    monkeypatch.setattr(
        forms, "write_wav", lambda path, number: write_wav(path, 99 if number == 0 else number)
    )
    FORMS[form][0](folder)
    monkeypatch.undo()
