"""The project's own cards on names and rows like those of their corpora."""

import io

import pytest
import soundfile
from huggingface_hub import HfApi
from sounds import RATE, noise, write_wav

import datasets
from ser_unlearn.data.cards import load_card
from ser_unlearn.data.corpus import Corpus

FILES = [
    ("cremad", "AudioWAV/1001_DFA_ANG_XX.wav", ("anger", "1001", "DFA")),
    ("cremad", "1040_ITH_SAD_X.wav", ("sad", "1040", "ITH")),
    ("nemo", "samples/EB0_anger_10.wav", ("anger", "EB0", "10")),
    ("nemo", "WR0_surprised_64.wav", ("surprised", "WR0", "64")),
    ("emovo", "f1/dis-f1-b1.wav", ("disgust", "f1", "b1")),
    ("emovo", "m3/tri-m3-n5.wav", ("sadness", "m3", "n5")),
    ("savee", "AudioData/DC/sa01.wav", ("sadness", "DC", "")),
    ("savee", "ALL/KL_n30.wav", ("neutral", "KL", "")),
    ("savee", "JK_su05.wav", ("surprise", "JK", "")),
    ("tess", "OAF_angry/OAF_back_angry.wav", ("angry", "OAF", "back")),
    ("tess", "OAF_neutral/OA_bite_neutral.wav", ("neutral", "OAF", "bite")),
    ("tess", "YAF_pleasant_surprised/YAF_food_ps.wav", ("pleasant surprise", "YAF", "food")),
    ("esd", "0011/Angry/0011_000351.wav", ("angry", "0011", "")),
    ("esd", "ESD/0020/Surprise/train/0020_001401.wav", ("surprise", "0020", "")),
    ("ased", "02Fearful/f2-01-02-01-53.wav", ("fearful", "53", "01")),
]

ROWS = [
    (
        "iemocap",
        {"file": "Ses01F_impro01_M003.wav", "major_emotion": "excited"},
        "happy",
        "Ses01-M",
    ),
    ("iemocap", {"file": "Ses05M_script03_2_F012.wav", "major_emotion": "sad"}, "sad", "Ses05-F"),
    ("cremad", {"file": "1002_IEO_FEA_LO.wav", "major_emotion": "fear"}, "fear", "1002"),
    ("nemo", {"file_id": "KD0_fear_54.wav", "emotion": "fear"}, "fear", "KD0"),
]


def card_of(name, utterances):
    changes = {"utterances": utterances, "speakers": None}
    return load_card(name).model_copy(update=changes)


@pytest.mark.parametrize(("name", "path", "labels"), FILES)
def test_a_card_reads_the_names_of_its_files(store, tmp_path, name, path, labels):
    write_wav(tmp_path / path, 1)
    (tmp_path / "README.txt").write_text("No recording.", encoding="utf-8")
    (found,) = Corpus(card_of(name, 1), store, tmp_path).utterances
    assert (found.emotion, found.speaker, found.statement) == labels


@pytest.mark.parametrize(("name", "row", "emotion", "speaker"), ROWS)
def test_a_card_reads_the_rows_of_its_data_set(monkeypatch, store, name, row, emotion, speaker):
    serve(monkeypatch, [row])
    (found,) = Corpus(card_of(name, 1), store).utterances
    assert (found.emotion, found.speaker) == (emotion, speaker)


def test_emotions_beside_the_four_of_iemocap_are_left_out(monkeypatch, store):
    emotions = ["frustrated", "neutral", "fear", "disgust", "surprise", "other", "angry"]
    serve(
        monkeypatch,
        [
            {"file": f"Ses02F_impro02_F{number:03d}.wav", "major_emotion": emotion}
            for number, emotion in enumerate(emotions)
        ],
    )
    found = Corpus(card_of("iemocap", 2), store).utterances
    assert {each.emotion for each in found} == {"neutral", "angry"}


def test_the_table_of_meld_names_its_recordings(store, tmp_path):
    (tmp_path / "train_sent_emo.csv").write_text(
        "Sr No.,Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\n"
        '1,"Hey, Mon.",Chandler,neutral,2,0\n'
        "2,No way!,Joey,surprise,0,3\n"
        "3,Broken.,Ross,neutral,125,3\n",  # its video cannot be opened
        encoding="utf-8",
    )
    for number, name in enumerate(("dia2_utt0", "dia0_utt3")):
        write_wav(tmp_path / "train_splits" / f"{name}.wav", number)
        (tmp_path / "train_splits" / f"{name}.mp4").write_bytes(b"")
    write_wav(tmp_path / "dev_splits_complete" / "dia2_utt0.wav", 7)
    found = Corpus(card_of("meld", 2), store, tmp_path).utterances
    assert [(each.name, each.emotion, each.speaker) for each in found] == [
        ("dia0_utt3", "surprise", "Joey"),
        ("dia2_utt0", "neutral", "Chandler"),
    ]


def serve(monkeypatch, rows):
    """Let the hub give rows with recordings."""
    table = {column: [row[column] for row in rows] for column in rows[0]}
    sounds = []
    for number, _ in enumerate(rows):
        buffer = io.BytesIO()
        soundfile.write(buffer, noise(number), RATE, format="WAV")
        sounds.append({"bytes": buffer.getvalue(), "path": f"{number}.wav"})
    features = datasets.Features(
        {column: datasets.Value("string") for column in table}
        | {"audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}}
    )
    dataset = datasets.Dataset.from_dict({**table, "audio": sounds}, features=features)
    monkeypatch.setattr(HfApi, "dataset_info", lambda *arguments, **options: None)
    monkeypatch.setattr(datasets, "load_dataset", lambda *arguments, **options: dataset)
