"""What is found of a corpus, faults and all."""

import shutil

import numpy as np
import pytest
import soundfile
from sounds import RATE, noise
from tiny_cards import card, folder_source

from ser_unlearn.data.inspection import inspect


def test_a_sound_corpus_has_no_faults(ravdess_like, store):
    found = inspect(card(), store, ravdess_like())
    assert found.faults == []
    assert len(found.utterances) == len(found.used) == 24
    assert dict(found.rates) == {RATE: 24}
    assert (found.silent, found.unmatched, found.copies, found.strangers) == ([], [], [], [])
    assert found.split is not None
    assert not any(store.root.rglob("*.json"))


def test_everything_is_found_at_once(ravdess_like, store):
    folder = ravdess_like()
    actor = folder / "Actor_02"
    (actor / "03-01-05-01-01-01-02.wav").write_bytes(b"RIFF, or not")
    shutil.copy(actor / "03-01-05-01-02-01-02.wav", actor / "03-01-05-01-02-02-02.wav")
    soundfile.write(actor / "03-01-01-01-01-01-02.wav", np.zeros(8000), RATE)
    soundfile.write(actor / "03-01-01-01-01-02-02.wav", noise(7, 0.3, 8000), 8000)
    shutil.copy(actor / "03-01-01-01-01-02-02.wav", folder / "odd.wav")
    genders = {"01": "male", "02": "female", "3": "male"}
    found = inspect(card(genders=genders, utterances=25), store, folder)
    assert found.silent == ["03-01-01-01-01-01-02"]
    assert found.unmatched == ["odd.wav"]
    assert [[each.name for each in group] for group in found.copies] == [
        ["03-01-05-01-02-01-02", "03-01-05-01-02-02-02"]
    ]
    assert dict(found.rates) == {RATE: 22, 8000: 1}
    assert found.strangers == ["3"]
    unreadable, counts, gender = found.faults
    assert "'03-01-05-01-01-01-02' is not audio" in unreadable
    assert "should have 25 utterances by 3 speakers, but 24 by 3" in counts
    assert "Not among them: odd.wav" in counts
    assert "no gender for the speaker '03', but one for '3'" in gender


def test_every_label_that_is_wrong_is_listed(ravdess_like, store):
    codes = {"emotion": {"01": "neutral"}}
    found = inspect(card(sources=[folder_source(codes=codes)]), store, ravdess_like())
    assert len(found.faults) == 12
    assert all("emotion code '05'" in fault for fault in found.faults)
    assert found.utterances == []


def test_silence_at_the_ends_is_measured(ravdess_like, store):
    folder = ravdess_like()
    path = folder / "Actor_01" / "03-01-01-01-01-01-01.wav"
    # Half of it is silence; windows of 25 ms divide it without a rest.
    soundfile.write(path, np.concatenate([np.zeros(8000), noise(3, 0.5)]), RATE)
    found = inspect(card(), store, folder)
    first = [each.name for each in found.utterances].index("03-01-01-01-01-01-01")
    assert found.silence[first] == pytest.approx(0.5)
    assert sum(found.silence) == pytest.approx(0.5)


def test_a_corpus_that_cannot_be_divided_is_told(ravdess_like, store):
    folder = ravdess_like(speakers=("01",))
    found = inspect(card(utterances=None, speakers=None), store, folder)
    assert found.split is None
    assert "too few to split" in found.faults[0]
