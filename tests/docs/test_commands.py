"""Every command in a document.

All of `ser-unlearn` are parsed: command, options, values, and the names of methods, corpora,
recipes, scenarios and suites. Those of `DONE` are also done. What would train models, needs
recordings, a cluster or a network is parsed only, and so are the commands of other programs.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import click
import pytest
from checkouts import ROOT
from click.testing import CliRunner
from documents import PAGES, blocks, commands, inline, tokens

from ser_unlearn.cli import main
from ser_unlearn.data.cards import card_names
from ser_unlearn.data.scenarios import requests
from ser_unlearn.recogniser.recipe import recipe_names
from ser_unlearn.runner.suite import suite_names
from ser_unlearn.unlearning.registry import list_methods

SHELL = blocks("sh")
OWN = [
    (f"{block} {' '.join(words)}", words[1:])
    for block in SHELL
    for words in commands(block)
    if words[0] == "ser-unlearn"
]
OTHERS = {
    words[0]: [other for block in SHELL for other in commands(block) if other[0] == words[0]]
    for block in SHELL
    for words in commands(block)
    if words[0] != "ser-unlearn"
}

DONE = {"list", "table", "leaderboard", "report", "merge", "submit-check", "store", "new-method"}
"""Commands that take a second or two, with what a checkout holds."""

NOT_DONE = {"pack", "unpack"}
"""Commands of the store that need trained models."""

ADDED = {"gradient_difference"}
"""The method that docs/add-a-method.md writes."""


def parsed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The parameters of a command of ours; files that it names need not be there."""
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: Path(value))
    command: click.Command = main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    assert command is not main, f"there is no such command: {words}"
    return command.make_context(command.name, list(words)).params


def is_file(name: str) -> bool:
    return "/" in name or name.endswith((".py", ".yaml"))


@pytest.mark.parametrize("words", [words for _, words in OWN], ids=[name for name, _ in OWN])
def test_a_command_of_ours_can_be_parsed(words, monkeypatch):
    found = parsed(words, monkeypatch)
    rows = {row for info in list_methods().values() for row in info.rows} | ADDED
    known = {"methods": rows, "corpora": set(card_names()), "recipes": set(recipe_names())}
    for key, names in known.items():
        given = found.get(key) or ()
        assert {each for each in given if not is_file(each)} - names - {"auto"} == set()
    for scenario in found.get("scenarios") or ():
        if not scenario.startswith("list:"):
            assert requests(scenario)
    if "suite" in found:
        assert found["suite"] in {None, *suite_names()}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """What a checkout holds of records, and the folders that the documents name."""
    folder = tmp_path_factory.mktemp("workplace")
    shutil.copytree(ROOT / "results", folder / "results")
    for name in ("theirs/results", "home/from-a", "home/from-b"):
        shutil.copytree(ROOT / "results" / "ravdess", folder / name / "ravdess")
    shutil.copy(ROOT / "leaderboard.md", folder)
    return folder


CHEAP = {
    " ".join(words): words for _, words in OWN if words[0] in DONE and not NOT_DONE & set(words)
}


SLOW = {"report", "submit-check"}
"""Commands that go through all records, one by one."""


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=name, marks=[pytest.mark.slow] * (words[0] in SLOW))
        for name, words in CHEAP.items()
    ],
)
def test_a_cheap_command_does_what_it_says(words, workplace, monkeypatch):
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("HOME", str(workplace / "home"))
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(workplace / "store"))
    # What the shell makes of it.
    words = [str(Path(word).expanduser()) for word in words]
    (workplace / "my_method.py").unlink(missing_ok=True)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_in_running_text_is_one_of_ours(page):
    for code in inline(page, "code_inline"):
        words = code.content.split()
        if words[:1] == ["ser-unlearn"] and len(words) > 1:
            command = main.commands[words[1]]
            options = {name for each in command.params for name in each.opts}
            group = getattr(command, "commands", {})
            options |= {name for sub in group.values() for each in sub.params for name in each.opts}
            given = {word.split("=")[0] for word in words if word.startswith("--")}
            assert given <= options, code.content


def test_the_commands_of_other_programs_are_known():
    """A further program takes a test of its own below."""
    tested = {"pip", "pytest", "python", "sphinx-build", "bash", "dask"}
    plain = {"python3", ".", "cat"}
    assert set(OTHERS) - tested - plain == set()


def test_what_pip_installs_of_us_are_extras_that_there_are():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for words in OTHERS["pip"]:
        assert words[:2] == ["pip", "install"]
        named = words[-1].removeprefix(".[").removesuffix("]")
        assert named in extras
        assert Path(ROOT / words[words.index("-c") + 1]).is_file()


@pytest.mark.parametrize("program", ["pytest", "python", "sphinx-build", "bash"])
def test_files_and_folders_that_other_programs_are_given_are_there(program):
    for words in OTHERS[program]:
        paths = [word for word in words[1:] if "/" in word and not word.startswith(("~", "-"))]
        assert [path for path in paths if not (ROOT / path.split("::")[0]).exists()] == []


def test_options_of_dask_are_its_own():
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    from distributed.cli import dask_scheduler, dask_worker

    parts = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    for words in OTHERS["dask"]:
        parts[words[1]].make_context(words[1], words[2:])


def test_a_block_says_what_language_it_is_in():
    """Only then is it looked at; what a program prints is in none."""
    known = {"sh", "python", "toml", "yaml", "text", "{toctree}", ""}
    found = {token.info for page in PAGES for token in tokens(page) if token.type == "fence"}
    assert found <= known
