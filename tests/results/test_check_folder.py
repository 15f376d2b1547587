"""Folders: those that nothing can be written to are refused, and none is left behind."""

import os
from pathlib import Path

import pytest

from ser_unlearn.errors import UserError
from ser_unlearn.results.folders import check_folder


def test_a_folder_that_is_there_or_can_be_made_is_taken_and_left_as_it_is(tmp_path, monkeypatch):
    check_folder(tmp_path, "--results")
    check_folder(tmp_path / "a" / "b", "--results")
    monkeypatch.chdir(tmp_path)
    check_folder(Path("results"), "--results")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder_and_holds_none(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(UserError, match=r"^--results: nothing can be written") as refusal:
            check_folder(folder, "--results")
        assert str(refusal.value).isprintable()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that takes no files")
def test_a_folder_in_which_nothing_can_be_made_is_refused():
    with pytest.raises(UserError, match="Name another"):
        check_folder(Path("/proc/self/results"), "--results")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Permission denied"):
        check_folder(tmp_path / "results", "--results")
