"""What the command line refuses: one line, exit status 2, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from toys import make_record

from ser_unlearn.cli import main
from ser_unlearn.results.records import write_record


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and a store that nothing may make."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(tmp_path / "store"))
    return folder


def check_refusal(result: Result, message: str) -> None:
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert len(result.output.splitlines()) == 1
    assert result.output.startswith("Error: ")
    assert len(result.output) < 600
    assert "\x1b" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "finetune.learning_rate=nan"], "'nan' is not of type float"),
        (["--set", "finetune.learning_rate=-inf"], "'-inf' is not of type float"),
        (["--set", "finetune.learning_rate=1e400"], "'1e400' is not of type float"),
        (["--set", "finetune.learning_rate=" + "9" * 400], "is not of type float"),
        (["--set", "finetune.steps=" + "9" * 400], "is not of type int"),
        (["--set", "finetune.steps=" + "9" * 5_000], "is not of type int"),
        (["--set", "finetune.steps=\x1b[31m"], "is not of type int"),
        (["--set", "finetune." + "x" * 5_000 + "=1"], "There is no parameter of finetune"),
        (
            ["--method", "adversarial-adv", "--set", "adversarial.stop=/../../x"],
            "refuses its parameters (elastic=false, stop=",
        ),
        (["--set", "adversarial.stop=" + "x" * 5_000], "refuses its parameters"),
        (["--scenario", "sequential:1000000000x1"], "1000000000 requests is too long"),
        (["--scenario", "sequential:9999999999x1"], "'9999999999' in a scenario is not"),
        (["--scenario", "random:" + "9" * 5_000], "is not a number above 0"),
        (["--scenario", "random:99999999999999999999"], "is not a number above 0"),
        (["--scenario", "emotion:/../../x"], "holds a slash"),
        (["--scenario", "emotion:" + "x" * 300], "longer than 200 bytes"),
        (["--method-seeds", "1000000000"], "are the most"),
        (["--corpus", "../emodb"], "There is no corpus '../emodb'"),
        (["--corpus", "x" * 5_000], "There is no corpus"),
        (["--recipe", "\x1b[31m"], "There is no recipe '\\x1b[31m'"),
        (["--results", "file/below"], "--results: nothing can be written to the folder file/below"),
        (["--corpus", "emodb", "--data-dir", "x" * 300], "is not a folder"),
        (["--results", "x" * 300], "--results: nothing can be written"),
    ],
)
def test_bad_options_of_run_are_refused_before_anything_is_made(
    arguments: list[str], message: str, here: Path
):
    (here / "file").write_text("a file")
    check_refusal(invoke("run", *arguments), message)
    assert [path.name for path in here.iterdir()] == ["file"]
    assert not (here.parent / "store").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["run"],
        ["evaluate"],
        ["tune", "scrub", "--trials", "1", "--corpus", "espeak", "--scenario", "random:16"],
    ],
    ids=lambda command: command[0],
)
def test_a_store_that_is_a_file_is_refused_before_anything_is_made(
    command: list[str], here: Path, monkeypatch: pytest.MonkeyPatch
):
    write_record(here / "results", make_record())
    (here / "file").write_text("a file")
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(here / "file"))
    check_refusal(invoke(*command), "SER_UNLEARN_CACHE: nothing can be written to the folder")
    assert sorted(path.name for path in here.iterdir()) == ["file", "results"]


@pytest.mark.parametrize("name", ["x" * 5_000, "/dev/zero", "\x1b[31m"])
def test_what_is_no_method_to_check_is_refused(name: str):
    result = invoke("check-method", name)
    assert result.exit_code == 2
    assert result.output.startswith("Error: There is no method '")
    assert "\x1b" not in result.output


def test_a_page_in_a_folder_that_is_a_file_is_refused(here: Path):
    (here / "file").write_text("a file")
    result = invoke("leaderboard", "--results", "results", "--page", "file/page.md")
    check_refusal(result, "--page: nothing can be written to the folder file")


def test_records_that_are_no_files_are_refused(here: Path):
    path = here / "results" / make_record().path
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/zero")
    for command in ("table", "leaderboard", "evaluate"):
        check_refusal(invoke(command), "method0.json is damaged (it is not an ordinary file)")
