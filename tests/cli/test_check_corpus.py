"""`check-corpus`, and what `list` and `run` make of corpora from elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from forms import FORMS

from ser_unlearn.cli import main
from ser_unlearn.data import cards

PATTERN = r"(?P<emotion>[a-z]+)/(?P<speaker>[a-z]+)/.*"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(autouse=True)
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(tmp_path / "store"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made: Path = FORMS["folders"][0](tmp_path / "shouts")
    return made


def test_a_folder_becomes_a_card_that_finds_nothing_wrong(folder: Path, tmp_path: Path):
    path = tmp_path / "voices.yaml"
    shown = invoke("check-corpus", folder, "--path-pattern", PATTERN, "--write", path)
    assert shown.exit_code == 0, shown.output
    assert "shouts: 24 recordings by 3 speakers\n" in shown.output
    assert "16000 Hz (24)" in shown.output
    assert "0.3 to 0.3 s, 0.3 s in the mean, 0.1 min in all" in shown.output
    text = path.read_text(encoding="utf-8")
    assert "name: voices\n" in text
    assert "utterances: 24\nspeakers: 3\n" in text
    again = invoke("check-corpus", path, "--data-dir", folder)
    assert again.exit_code == 0, again.output
    assert "the card says 24 recordings, 3 speakers" in again.output
    assert "Nothing is wrong with it." in again.output


def test_columns_are_enough_to_look(tmp_path: Path):
    FORMS["Parquet"][0](tmp_path / "shouts")
    labels = ["--emotion-column", "emotion", "--speaker-column", "speaker"]
    shown = invoke("check-corpus", tmp_path / "shouts", *labels)
    assert shown.exit_code == 0, shown.output
    rows = [line.split() for line in shown.output.splitlines()]
    assert ["ann", "–", "8", "training"] in rows
    assert [row[:2] for row in rows if row[:1] in (["calm"], ["loud"])] == [
        ["calm", "12"],
        ["loud", "12"],
    ]


def test_faults_are_listed_and_nothing_is_written(folder: Path, tmp_path: Path):
    (folder / "calm" / "ann" / "broken.wav").write_bytes(b"RIFF")
    shutil.copy(folder / "calm" / "ann" / "ann_calm_0.wav", folder / "lost.wav")
    path = tmp_path / "voices.yaml"
    shown = invoke("check-corpus", folder, "--path-pattern", PATTERN, "--write", path)
    assert shown.exit_code == 1
    assert "Files that are no recordings of the corpus (1):\n  lost.wav" in shown.output
    assert "To mend (1):\n  'broken' is not audio" in shown.output
    assert not path.exists()


def test_faults_of_labels_are_listed_one_by_one(folder: Path, tmp_path: Path):
    path = tmp_path / "voices.yaml"
    invoke("check-corpus", folder, "--path-pattern", PATTERN, "--write", path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("- calm", "- quiet"), encoding="utf-8")
    shown = invoke("check-corpus", path, "--data-dir", folder)
    assert shown.exit_code == 1
    assert shown.output.count("has the emotion 'calm'") == 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "no corpus 'nothing'"),
        (["shouts"], "Name the columns with its labels"),
        (["nothing", "--path-pattern", PATTERN], "nothing is not a folder"),
        (["shouts", "--path-pattern", "("], "not a regular expression"),
        (["shouts", "--path-pattern", r"(?P<emotion>\d+)(?P<speaker>x)"], "It holds calm/ann"),
        (["shouts", "--path-pattern", PATTERN, "--write", "a.txt"], "NAME.yaml"),
        (["shouts", "--path-pattern", PATTERN, "--write", "there.yaml"], "the file exists"),
        (["there.yaml"], "there.yaml is not valid"),
        (["missing.yaml"], "missing.yaml cannot be read"),
        (["espeak"], "synthesised"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(
    arguments: list[str], words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder.parent)
    Path("there.yaml").write_text("name: there\n", encoding="utf-8")
    result = invoke("check-corpus", *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert len(result.output.splitlines()) == 1


def test_a_broken_card_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copy(cards.CARDS / "emodb.yaml", tmp_path / "emodb.yaml")
    (tmp_path / "broken.yaml").write_text("name: [", encoding="utf-8")
    monkeypatch.setattr(cards, "CARDS", tmp_path)
    result = invoke("list", "corpora")
    assert result.exit_code == 0
    assert "emodb" in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("Left out: The card ")
    assert "broken.yaml" in line


def test_a_run_takes_what_is_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path):
    asked = []

    def run(suite: object, overrides: object, options: object, *more: object, **others: object):
        asked.append((suite, options))
        return []

    monkeypatch.setattr("ser_unlearn.runner.run.run", run)
    monkeypatch.setattr("ser_unlearn.report.tables.render", lambda records, style, width: "")
    FORMS["CSV"][0](tmp_path / "clips")
    columns = ["--emotion-column", "emotion", "--speaker-column", "speaker"]
    results = ["--results", tmp_path / "results"]
    shown = invoke("run", "--corpus", "espeak", "--corpus", tmp_path / "clips", *columns, *results)
    assert shown.exit_code == 0, shown.output
    ((suite, options),) = asked
    assert suite.corpora == ["espeak", "clips"]
    assert list(options.brought) == ["clips"]
    assert options.folder("clips") == (tmp_path / "clips").resolve()
    assert options.folder("espeak") is None
