"""Every fault of every form: one line that names the thing, and what to do."""

import re

import pyarrow as pa
import pytest
from forms import (
    BY_LABEL,
    BY_PATH,
    COLUMNS,
    EMOTIONS,
    FORMS,
    LOCAL,
    ROWS,
    arrow_table,
    dataset,
    with_table,
)
from pyarrow import parquet
from sounds import write_wav
from tiny_cards import card

from ser_unlearn.data.corpus import Corpus
from ser_unlearn.errors import UserError

CSV = with_table("labels.csv", "clip")
TSV = with_table("labels.tsv", "clip")


def edit(path, old, new):
    """A change of a text file's first place where something stands."""

    def damage(folder):
        text = (folder / path).read_text(encoding="utf-8")
        assert old in text
        (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return damage


def overwrite(path, data):
    return lambda folder: (folder / path).write_bytes(data)


def remove(path):
    return lambda folder: (folder / path).unlink()


def add(path):
    return lambda folder: write_wav(folder / path, 99)


def nothing(folder):
    pass


def empty(folder):
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def truncate(path):
    def damage(folder):
        data = (folder / path).read_bytes()
        (folder / path).write_bytes(data[: len(data) // 2])

    return damage


def column(name, values):
    """Another column in a Parquet file."""

    def damage(folder):
        table = arrow_table()
        place = table.column_names.index(name)
        parquet.write_table(table.set_column(place, name, pa.array(values)), folder / "all.parquet")

    return damage


def no_sound(folder):
    cells = arrow_table()["audio"].to_pylist()
    cells[3]["bytes"] = None
    column("audio", cells)(folder)


def saved_without_audio(folder):
    empty(folder)
    dataset().remove_columns("audio").save_to_disk(folder)


FAULTS = [
    # labels in paths
    (
        "folders",
        {"path_pattern": r"(?P<emotion>\d+)/(?P<speaker>\w+)"},
        nothing,
        r"No file in .* has a path that .* It holds calm/ann/.*wav, .* and 21 more",
    ),
    ("folders", {}, empty, r"It holds no file\. Give the folder"),
    ("folders", {}, add("shy/ann/x.wav"), r"'x\.wav' has the emotion 'shy'.*Known: calm, loud"),
    ("folders", {"codes": {"speaker": {"ann": "a", "bob": "b"}}}, nothing, "speaker code 'cem'"),
    ("folders", {}, add("x.wav"), None),
    ("folders", {}, add("calm/dan/x.wav"), r"24 utterances by 3 .* but 25 by 4 were found"),
    (
        "folders",
        {},
        lambda folder: (
            (folder / "calm/ann/ann_calm_0.wav").rename(folder / "ann_calm_0.wav"),
            (folder / "calm/ann/ann_calm_1.wav").rename(folder / ".hidden.wav"),
        ),
        r"but 22 by 3 were found\. Not among them: ann_calm_0\.wav\. Complete",
    ),
    ("folders", {}, overwrite("calm/ann/ann_calm_2.wav", b"RIFF"), "'ann_calm_2' is not audio"),
    ("folders", {}, overwrite("calm/ann/ann_calm_2.txt", b"text"), None),
    # tables
    ("CSV", {}, remove("labels.csv"), r"labels\.csv, which .* names, is not in .* It holds clips/"),
    ("CSV", {}, edit("labels.csv", "emotion", "mood"), r"no column 'emotion'.* It has clip, mood"),
    ("CSV", {}, edit("labels.csv", ",calm,ann", ",calm"), "line 2 has 2 values for 3 columns"),
    ("CSV", {}, edit("labels.csv", "speaker", "clip"), "two columns are called 'clip'"),
    ("CSV", {}, overwrite("labels.csv", b""), "labels.csv holds no row"),
    ("CSV", {}, overwrite("labels.csv", b"clip,emotion,speaker\n"), "labels.csv holds no row"),
    ("CSV", {}, overwrite("labels.csv", "clip\nM\xfcller\n".encode("latin-1")), "not UTF-8 at"),
    ("CSV", {}, edit("labels.csv", "calm,ann", ",ann"), "'ann_calm_0.wav' has the emotion ''"),
    ("CSV", {}, edit("labels.csv", "calm,ann", "calm,"), "speaker of 'ann_calm_0', '' is empty"),
    ("CSV", {}, edit("labels.csv", "calm,ann", "calm,a/b"), "'a/b' holds a slash"),
    ("CSV", {}, remove("clips/bob_calm_1.wav"), r"1 of 24 files .* clips/bob_calm_1\.wav"),
    (
        "CSV",
        {},
        edit("labels.csv", "ann_calm_1.wav", "ann_calm_0.wav"),
        r"names 'ann_calm_0\.wav' more than once",
    ),
    ("CSV", {}, add("other.wav"), None),
    ("CSV", {}, lambda folder: (folder / "labels.csv").rename(folder / "x.xlsx"), "labels.csv"),
    ("TSV", {}, add("elsewhere/ann_calm_0.wav"), "'ann_calm_0', and .* holds 2 files called so"),
    (
        "TSV",
        with_table("labels.xlsx", "clip"),
        overwrite("labels.xlsx", b"x"),
        r"labels\.xlsx is none that can be read\. Use one of \.csv, \.tsv, \.jsonl, \.parquet",
    ),
    (
        "TSV",
        with_table("labels.csv", "clip"),
        lambda folder: (folder / "labels.tsv").rename(folder / "labels.csv"),
        r"no column 'clip', which the card names\. It has clip emotion speaker",
    ),
    ("labels in Parquet", {}, overwrite("labels.parquet", b"no"), "labels.parquet .* not Parquet"),
    ("labels in Parquet", {}, truncate("labels.parquet"), "labels.parquet .* not Parquet"),
    # audiofolder
    ("audiofolder", {}, edit("metadata.csv", "file_name", "name"), "no column 'file_name'"),
    ("audiofolder", {}, edit("metadata.csv", "speaker", "who"), "no column 'speaker'.* It has"),
    ("audiofolder", {}, edit("metadata.csv", "ann_calm_0", "eve"), r"1 of 24 .* clips/eve\.wav"),
    ("audiofolder", {}, remove("metadata.csv"), "no column 'emotion'.* It has audio, file_name, l"),
    ("audiofolder", {"split": "dev"}, nothing, "no split 'dev'"),
    ("audiofolder, splits", {"split": ["train", "dev"]}, nothing, "no split 'dev'.* it has train"),
    (
        "audiofolder, splits",
        {},
        edit("train/metadata.jsonl", "{", "["),
        "train/metadata.jsonl cannot be read: line 1",
    ),
    (
        "audiofolder, labels",
        {"extract": {"speaker": r"(\d+)"}},
        nothing,
        r"the speaker 'calm/ann_calm_0\.wav', which .* `extract` \(\\d\+\) does not match",
    ),
    ("audiofolder, labels", {}, empty, r"holds no data set: neither Parquet, .* It holds no file"),
    # Parquet
    ("Parquet", {}, overwrite("train-00001-of-00002.parquet", b"PAR1"), "00001.* not Parquet"),
    ("Parquet", {}, truncate("train-00000-of-00002.parquet"), "00000-.* cannot be read: it is not"),
    ("Parquet", {"columns": COLUMNS | {"audio": "wav"}}, nothing, "no column 'wav'"),
    ("Parquet", {"columns": COLUMNS | {"speaker": "who"}}, nothing, "no column 'who'.* It has aud"),
    ("Parquet", {"columns": COLUMNS | {"audio": ["a", "b"]}}, nothing, "several columns for audio"),
    ("Parquet", {"split": "test"}, nothing, "no split 'test'"),
    ("Parquet, bytes", {}, column("audio", list(range(24))), "no recordings in its column 'audio'"),
    ("Parquet, bytes", {}, column("speaker", [["ann"]] * 24), "no column 'speaker'"),
    ("Parquet, bytes", {}, column("speaker", [None] * 24), "speaker of 'ann_calm_0', '' is empty"),
    ("Parquet, bytes", {}, column("emotion", list(range(24))), r"'ann_calm_0' has the emotion '0'"),
    ("Parquet, bytes", {}, no_sound, "'ann_calm_3' is empty. Replace"),
    ("Parquet, paths", {}, remove("clips/cem_loud_3.wav"), r"1 of 24 .* clips/cem_loud_3\.wav"),
    # what `save_to_disk` leaves
    ("save_to_disk", {}, remove("dataset_info.json"), "cannot be read .*Save it again"),
    ("save_to_disk", {}, truncate("data-00000-of-00001.arrow"), "cannot be read .*Save it again"),
    ("save_to_disk", {}, saved_without_audio, "no column 'audio'.* It has emotion, speaker"),
    ("save_to_disk", {"split": "dev"}, nothing, "no split 'dev'.* it has train"),
    ("save_to_disk, splits", {"split": "dev"}, nothing, "no split 'dev'.* it has train, test"),
    ("save_to_disk, paths", {}, remove("clips/bob_loud_0.wav"), r"1 of 24 .*bob_loud_0\.wav"),
]


@pytest.mark.parametrize(("form", "changes", "damage", "words"), FAULTS)
def test_a_fault_is_named_in_one_line_or_does_no_harm(
    form, changes, damage, words, tmp_path, store
):
    write, source = FORMS[form]
    folder = write(tmp_path / "data")
    damage(folder)
    made = card(emotions=list(EMOTIONS), sources=[source | changes])

    def read():
        return Corpus(made, store, folder).utterances

    if words is None:
        assert len(read()) == len(ROWS)
        return
    with pytest.raises(UserError) as refusal:
        read()
    message = str(refusal.value)
    assert message.isprintable()
    assert len(message) < 900
    assert re.search(words, message), message


def test_all_faults_of_labels_are_counted(tmp_path, store):
    folder = FORMS["folders"][0](tmp_path / "data")
    made = card(emotions=["calm", "shy"], sources=[BY_PATH])
    with pytest.raises(UserError, match=r"\(11 more have faults; `ser-unlearn check-corpus`") as no:
        Corpus(made, store, folder)
    assert len(no.value.faults) == 12


@pytest.mark.parametrize(
    ("genders", "words"),
    [
        ({"ann": "female", "bob": "male"}, "no gender for the speaker 'cem'. Correct"),
        (
            {"ann": "female", "bop": "male", "cem": "male"},
            "no gender for the speaker 'bob', but one for 'bop', who does not speak. Correct",
        ),
        ({"ann": "female", "bob": "male", "cem": "male"}, None),
        ({}, None),
    ],
)
def test_genders_are_held_against_the_speakers(genders, words, tmp_path, store):
    write, source = FORMS["folders"]
    made = card(emotions=list(EMOTIONS), sources=[source], genders=genders)
    corpus = Corpus(made, store, write(tmp_path / "data"))
    if words is None:
        assert len(corpus.utterances) == 24
    else:
        with pytest.raises(UserError, match=words):
            _ = corpus.utterances


def test_a_data_set_in_a_folder_asks_for_the_folder(store):
    with pytest.raises(UserError, match=r"read from a local folder\. Say where: --data-dir"):
        Corpus(card(sources=[LOCAL]), store)


def test_counts_that_a_card_leaves_open_are_not_held_against_it(tmp_path, store):
    write, source = FORMS["audiofolder, labels"]
    assert source is BY_LABEL
    made = card(emotions=list(EMOTIONS), sources=[source], utterances=None, speakers=None)
    assert len(Corpus(made, store, write(tmp_path / "data")).utterances) == 24
