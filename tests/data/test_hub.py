"""Corpora from the hub, which is never really asked."""

import io

import numpy as np
import pytest
import soundfile
from huggingface_hub import HfApi
from sounds import RATE, noise

import datasets
from ser_unlearn.data.cards import load_card
from ser_unlearn.data.corpus import Corpus
from ser_unlearn.errors import UserError


def sound(number):
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(number), RATE, format="WAV")
    return buffer.getvalue()


def hub_of_emodb(ages, genders, paths=None):
    """What the hub gives: audio as bytes, class labels as numbers, ages as floats."""
    count = len(ages)
    paths = paths or [f"rec{number}.wav" for number in range(count)]
    features = datasets.Features(
        {
            "age": datasets.Value("float32"),
            "gender": datasets.ClassLabel(names=["female", "male"]),
            "emotion": datasets.ClassLabel(
                names=["anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"]
            ),
            "audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")},
        }
    )
    columns = {
        "age": ages,
        "gender": genders,
        "emotion": [number % 7 for number in range(count)],
        "audio": [{"bytes": sound(number), "path": path} for number, path in enumerate(paths)],
    }
    dataset = datasets.Dataset.from_dict(columns, features=features)
    return dataset.cast_column("audio", datasets.Audio())


@pytest.fixture
def hub(monkeypatch):
    """A function that makes `load_dataset` give a data set, and notes its arguments."""

    def serve(dataset):
        calls = []

        def load_dataset(*arguments, **options):
            calls.append((arguments, options))
            return dataset

        monkeypatch.setattr(datasets, "load_dataset", load_dataset)
        return calls

    monkeypatch.setattr(HfApi, "dataset_info", lambda *arguments, **options: None)
    return serve


def test_the_hubs_columns_are_joined_and_translated(hub, store):
    calls = hub(hub_of_emodb([31.0, 34.0, 31.0], ["male", "female", "female"]))
    known = load_card("emodb").model_copy(update={"utterances": 3, "speakers": 3})
    corpus = Corpus(known, store)
    found = corpus.utterances
    # The card: a man of 31 is speaker 03, a woman of 34 is 08, a woman of 31 is 16.
    assert [(each.name, each.emotion, each.speaker, each.statement) for each in found] == [
        ("rec0", "anger", "03", ""),
        ("rec1", "boredom", "08", ""),
        ("rec2", "disgust", "16", ""),
    ]
    ((arguments, options),) = calls
    assert arguments == ("renumics/emodb",)
    assert options["revision"] == "7a951ba2ac1c5ffdfce86510aeb7f6844fd40cba"
    assert options["split"] == "train"
    name, samples, rate = next(corpus.recordings())
    assert (name, rate) == ("rec0", RATE)
    # Written in 16-bit steps of 1 / 32,768, rounded or cut.
    np.testing.assert_allclose(samples, noise(0), atol=3.1e-5)
    assert corpus.dataset.column_names == ["audio", "emotion", "speaker", "statement"]


def test_recordings_that_the_hub_does_not_name_are_numbered(hub, store):
    hub(hub_of_emodb([31.0, 34.0], ["male", "female"], paths=[None, None]))
    known = load_card("emodb").model_copy(update={"utterances": 2, "speakers": 2})
    assert [each.name for each in Corpus(known, store).utterances] == ["00000", "00001"]


def test_recordings_of_the_hub_that_share_a_name_are_told_apart_by_their_folders(hub, store):
    hub(hub_of_emodb([31.0, 34.0], ["male", "female"], paths=["a/x.wav", "b/x.wav"]))
    known = load_card("emodb").model_copy(update={"utterances": 2, "speakers": 2})
    assert [each.name for each in Corpus(known, store).utterances] == ["a-x", "b-x"]


def test_recordings_of_the_hub_that_share_a_path_are_refused(hub, store):
    # A name is all that tells utterances apart afterwards.
    hub(hub_of_emodb([31.0, 34.0], ["male", "female"], paths=["x.wav", "x.wav"]))
    known = load_card("emodb").model_copy(update={"utterances": 2, "speakers": 2})
    corpus = Corpus(known, store)
    with pytest.raises(UserError, match="more than one file called x"):
        _ = corpus.utterances


def test_an_unknown_combination_of_the_hubs_columns_is_named(hub, store):
    hub(hub_of_emodb([99.0], ["male"]))
    corpus = Corpus(load_card("emodb"), store)
    with pytest.raises(UserError, match=r"speaker code 'male-99'.*does not know"):
        _ = corpus.dataset


def test_recordings_of_the_hub_can_be_excluded(hub, store):
    hub(hub_of_emodb([99.0, 31.0], ["male", "male"]))
    known = load_card("emodb")
    faults = known.faults.model_copy(update={"exclude": ["rec0"]})
    corpus = Corpus(known.model_copy(update={"faults": faults}), store)
    assert len(corpus.dataset) == 1


def test_a_hub_out_of_reach_is_reported_in_one_line_with_a_remedy(hub, monkeypatch, store):
    def dataset_info(*arguments, **options):
        raise ConnectionError("no route\nto host\nat all")

    def load_dataset(*arguments, **options):
        # It would try again for half a minute.
        assert datasets.config.HF_HUB_OFFLINE
        raise ConnectionError("not in the cache")

    monkeypatch.setattr(HfApi, "dataset_info", dataset_info)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    before = datasets.config.HF_HUB_OFFLINE
    corpus = Corpus(load_card("emodb"), store)
    with pytest.raises(UserError) as refusal:
        _ = corpus.utterances
    (line,) = str(refusal.value).splitlines()
    assert "'emodb'" in line
    assert "renumics/emodb (ConnectionError: no route to host at all)" in line
    assert "--data-dir" in line
    assert before == datasets.config.HF_HUB_OFFLINE


def test_a_data_set_that_was_read_before_needs_no_hub(hub, monkeypatch, store):
    def dataset_info(*arguments, **options):
        raise ConnectionError

    hub(hub_of_emodb([31.0, 34.0], ["male", "female"]))
    monkeypatch.setattr(HfApi, "dataset_info", dataset_info)
    known = load_card("emodb").model_copy(update={"utterances": 2, "speakers": 2})
    assert len(Corpus(known, store).utterances) == 2


def test_a_configuration_and_several_splits_are_asked_for_by_name(hub, store):
    calls = hub(hub_of_emodb([31.0, 34.0], ["male", "female"]))
    known = load_card("emodb")
    (_, source) = known.sources
    changes = {"configuration": "clean", "split": ["train", "test"]}
    source = source.model_copy(update=changes)
    changes = {"utterances": 2, "speakers": 2, "sources": [source]}
    _ = Corpus(known.model_copy(update=changes), store).utterances
    ((_, options),) = calls
    assert (options["name"], options["split"]) == ("clean", "train+test")


def test_nothing_is_asked_of_the_hub_where_a_folder_is_given(emodb_like, store, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", None)  # calling it would raise
    known = load_card("emodb").model_copy(update={"utterances": 24, "speakers": 3})
    assert len(Corpus(known, store, emodb_like()).utterances) == 24
