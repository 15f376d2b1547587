"""Corpora: cards and their errors, local folders, and the hub."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from sounds import RATE, noise, tone, write_corpus, write_wav

import datasets
from ser_unlearn.data.cards import CARDS, card_names, load_card, parse_card
from ser_unlearn.data.corpus import Corpus
from ser_unlearn.errors import UserError
from ser_unlearn.results.store import DamagedArtefactWarning

PATTERN = r"03-01-(?P<emotion>\d\d)-\d\d-(?P<statement>\d\d)-\d\d-(?P<speaker>\d\d)\.(wav|flac)"


def section(**changes):
    """The card of the corpus that the fixture `ravdess_like` writes, as a mapping."""
    return {
        "name": "tiny",
        "title": "A tiny corpus",
        "licence": "none",
        "citation": "nobody",
        "language": "en",
        "utterances": 24,  # 3 speakers, 2 emotions, 2 statements, 2 repetitions
        "speakers": 3,
        "emotions": ["neutral", "angry"],
        "sources": [folder_source()],
    } | changes


def folder_source(**changes):
    return {
        "kind": "folder",
        "pattern": PATTERN,
        "codes": {"emotion": {"01": "neutral", "05": "angry"}},
    } | changes


def card(**changes):
    return parse_card(yaml.safe_dump(section(**changes)), Path("tiny.yaml"))


# Cards


def test_the_cards_are_those_of_the_folder():
    assert {"emodb", "espeak", "ravdess"} <= set(card_names())
    assert card_names() == sorted(path.stem for path in CARDS.glob("*.yaml"))


@pytest.mark.parametrize("name", card_names())
def test_every_card_is_valid_and_consistent(name):
    found = load_card(name)
    assert found.name == name
    assert len(set(found.emotions)) == len(found.emotions)
    assert len(found.genders) == found.speakers
    for source in found.sources:
        if source.kind != "espeak":
            codes = source.codes.get("emotion", {}).values()
            assert set(codes) <= set(found.emotions)
            speakers = source.codes.get("speaker", {}).values()
            assert set(speakers) <= set(found.genders)


def test_an_unknown_corpus_gets_a_suggestion():
    with pytest.raises(UserError, match=r"no corpus 'ravdes'. Did you mean ravdess\?"):
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
            {"sources": [{"kind": "hub", "id": "a/b", "revision": "main", "columns": {}}]},
            "revision",
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


# Folders


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


# The hub


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


def test_recordings_of_the_hub_that_share_a_name_are_refused(hub, store):
    # A name is all that tells utterances apart afterwards.
    hub(hub_of_emodb([31.0, 34.0], ["male", "female"], paths=["a/x.wav", "b/x.wav"]))
    known = load_card("emodb").model_copy(update={"utterances": 2, "speakers": 2})
    corpus = Corpus(known, store)
    with pytest.raises(UserError, match="x"):
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


def test_a_hub_out_of_reach_is_reported_in_two_lines_with_a_remedy(monkeypatch, store):
    def load_dataset(*arguments, **options):
        raise ConnectionError("no route\nto host\nat all")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    corpus = Corpus(load_card("emodb"), store)
    with pytest.raises(UserError) as refusal:
        _ = corpus.utterances
    first, second = str(refusal.value).splitlines()
    assert "'emodb'" in first
    assert "renumics/emodb" in first
    assert "ConnectionError" in first
    assert "--data-dir" in second


def test_nothing_is_asked_of_the_hub_where_a_folder_is_given(emodb_like, store, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", None)  # calling it would raise
    known = load_card("emodb").model_copy(update={"utterances": 24, "speakers": 3})
    assert len(Corpus(known, store, emodb_like()).utterances) == 24


# Synthesis


def test_the_synthesised_corpus_is_made_once_and_read_from_the_store(store, monkeypatch):
    known = load_card("espeak")
    (source,) = known.sources
    small = source.model_copy(
        update={
            "repetitions": 1,
            "speakers": {name: source.speakers[name] for name in ("f01", "m01")},
            "sentences": {"s1": source.sentences["s1"]},
        }
    )
    known = known.model_copy(update={"sources": [small], "utterances": 10, "speakers": 2})
    first = Corpus(known, store)
    assert len(first.utterances) == 10  # 2 speakers, 5 emotions
    heard = [(name, samples.tobytes()) for name, samples, _ in first.recordings()]
    monkeypatch.setattr("ser_unlearn.data.espeak.synthesise", None)  # calling it would raise
    again = Corpus(known, store)
    assert [(name, samples.tobytes()) for name, samples, _ in again.recordings()] == heard
    assert again.utterances == first.utterances


def test_a_tiny_corpus_is_made_of_files_unlike_each_other(tmp_path):
    folder = write_corpus(tmp_path, ["a", "b", "c"])
    assert len({path.read_bytes() for path in folder.iterdir()}) == 3
