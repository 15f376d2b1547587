"""The command line without training anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from toys import make_record

from ser_unlearn.cli import main
from ser_unlearn.cli.listing import KINDS
from ser_unlearn.results.records import write_record


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(autouse=True)
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(tmp_path / "store"))


@pytest.mark.parametrize("kind", KINDS)
def test_list(kind: str):
    result = invoke("list", kind)
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 2


@pytest.mark.parametrize("kind", KINDS)
def test_listing_imports_nothing_heavy(kind: str):
    code = (
        "import sys; from click.testing import CliRunner; from ser_unlearn.cli import main; "
        f"assert CliRunner().invoke(main, ['list', '{kind}']).exit_code == 0; "
        "print(sorted({'torch', 'speechbrain', 'datasets', 'pandas', 'scipy', 'sklearn'} "
        "& set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_needs_no_model_does_without_torch(tmp_path: Path):
    write_record(tmp_path / "results", make_record())
    commands = [
        ["run", "--corpus", "emdb"],
        ["run", "--scenario", "random"],
        ["evaluate", "--corpus", "emdb"],
        ["table"],
        ["leaderboard"],
        ["report"],
        ["merge", "results"],
        ["store"],
        ["store", "verify"],
        ["store", "prune"],
        ["tune", "srcub", "--trials", "1", "--corpus", "espeak", "--scenario", "random:16"],
        ["check-method", "finetun"],
    ]
    code = (
        "import sys; from click.testing import CliRunner; from ser_unlearn.cli import main\n"
        f"for each in {commands!r}:\n"
        "    done = CliRunner().invoke(main, each)\n"
        "    assert done.exit_code in (0, 2), done.output\n"
        "    print([each, done.output] if 'torch' in sys.modules else '')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "defualt"], "There is no suite 'defualt'. Did you mean default?"),
        (["run", "--corpus", "emdb"], "There is no corpus 'emdb'. Did you mean emodb"),
        (["run", "--recipe", "tinny"], "There is no recipe 'tinny'. Did you mean tiny?"),
        (["run", "--method", "finetun"], "There is no method 'finetun'. Did you mean finetune"),
        (["run", "--scenario", "randon:16"], "There is no scenario 'randon'. Did you mean random?"),
        (["run", "--scenario", "random"], "The scenario 'random' is not complete"),
        (["run", "--set", "finetune"], "write it as METHOD.FIELD=VALUE"),
        (
            ["run", "--set", "finetune.batch_size=many"],
            "'many' is not of type int. The default is 32.",
        ),
        (
            ["run", "--set", "finetune.step=1"],
            "There is no parameter of finetune 'step'. Did you mean steps?",
        ),
        (
            ["run", "--method", "original", "--set", "finetune.steps=9"],
            "--set names the method 'finetune', which this run leaves out",
        ),
        (["run", "--set", "finetun.steps=9"], "no method 'finetun'. Did you mean finetune"),
        (["run", "--data-dir", "."], "espeak is not read from a folder. Leave it out."),
        (["run", "--corpus", "emodb", "--data-dir", "nowhere"], "is not a folder"),
        (["table"], "Run something first"),
    ],
)
def test_bad_input_is_named_with_a_remedy(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "results").exists()


def test_a_folder_without_recordings_is_refused(tmp_path: Path):
    result = invoke("run", "--corpus", "emodb", "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "has a name that the card 'emodb' knows" in result.output


def test_a_damaged_record_is_refused(tmp_path: Path):
    record = make_record()
    write_record(tmp_path, record)
    (tmp_path / record.path).write_text("{")
    for command in ("table", "leaderboard"):
        result = invoke(command, "--results", str(tmp_path))
        assert result.exit_code == 2
        assert "is damaged" in result.output


@pytest.mark.parametrize("style", ["terminal", "github", "latex", "csv", "json"])
def test_table_in_every_format(tmp_path: Path, style: str):
    write_record(tmp_path, make_record(label="first"))
    write_record(tmp_path, make_record(label="second"))
    result = invoke("table", "--results", str(tmp_path), "--format", style, "--method", "first")
    assert result.exit_code == 0
    assert "first" in result.output
    assert "second" not in result.output


def test_leaderboard_check_tells_by_its_exit_status(tmp_path: Path):
    write_record(tmp_path / "results", make_record())
    where = ["--results", str(tmp_path / "results"), "--page", str(tmp_path / "page.md")]
    assert invoke("leaderboard", *where, "--check").exit_code == 1
    assert not (tmp_path / "page.md").exists()
    assert invoke("leaderboard", *where).exit_code == 0
    assert invoke("leaderboard", *where, "--check").exit_code == 0
