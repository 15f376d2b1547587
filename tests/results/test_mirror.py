"""A store at a URL: what one machine makes, another finds, whole or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path

import fsspec
import pytest
from artefacts import IDENTITY, Maker, artefact
from click.testing import CliRunner
from small import COSTS, Copy, grid

from ser_unlearn.cli import main
from ser_unlearn.errors import StoreError, UserError
from ser_unlearn.results.mirror import Mirror, store_at
from ser_unlearn.results.store import DamagedArtefactWarning, Store, default_root


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    place = tmp_path / "shared" if request.param == "file" else uuid.uuid4().hex
    return f"{request.param}://{place}"


def names(url: str) -> list[str]:
    """What there is at a URL."""
    system, folder = fsspec.core.url_to_fs(url)
    return [name.removeprefix(folder).lstrip("/") for name in system.find(folder)]


def test_what_one_machine_makes_another_finds(url: str, tmp_path: Path):
    one, other = Mirror(url, tmp_path / "one"), Mirror(url, tmp_path / "other")
    maker = Maker()
    made = one.fetch("kind", IDENTITY, maker)
    assert other.has("kind", IDENTITY)
    found = other.fetch("kind", IDENTITY, maker)
    assert maker.calls == 1
    assert found.meta == made.meta
    assert {name: each.tolist() for name, each in found.tensors.items()} == {
        name: each.tolist() for name, each in made.tensors.items()
    }
    expected = {path.relative_to(one.root).as_posix() for path in one.root.rglob("*.*")}
    assert set(names(url)) == {name for name in expected if not name.endswith(".lock")}


def test_what_only_the_folder_has_is_shared(url: str, tmp_path: Path):
    Store(tmp_path / "one").put("kind", IDENTITY, artefact())
    maker = Maker()
    Mirror(url, tmp_path / "one").fetch("kind", IDENTITY, maker)
    Mirror(url, tmp_path / "other").fetch("kind", IDENTITY, maker)
    assert maker.calls == 0


def test_what_is_damaged_there_is_made_again(url: str, tmp_path: Path):
    one, other = Mirror(url, tmp_path / "one"), Mirror(url, tmp_path / "other")
    one.put("kind", IDENTITY, artefact())
    system, folder = fsspec.core.url_to_fs(url)
    (tensors,) = (name for name in names(url) if name.endswith(".safetensors"))
    whole = system.cat_file(f"{folder}/{tensors}")
    system.pipe_file(f"{folder}/{tensors}", whole[:-1])
    maker = Maker()
    with pytest.warns(DamagedArtefactWarning, match="its checksum does not match"):
        other.fetch("kind", IDENTITY, maker)
    assert maker.calls == 1
    assert len(system.cat_file(f"{folder}/{tensors}")) == len(whole)


def test_a_mark_is_known_by_other_machines(url: str, tmp_path: Path):
    mark = Mirror(url, tmp_path / "one").mark()
    assert Mirror(url, tmp_path / "other").mark() == mark
    assert store_at(url).has_mark(mark)
    assert not store_at(url).has_mark("another")
    assert not Store(tmp_path / "one" / "nowhere").has_mark(mark)


def test_a_storage_that_fails_is_named(tmp_path: Path):
    (tmp_path / "shared").write_text("no folder")
    url = f"file://{tmp_path}/shared"
    store = Mirror(url, tmp_path / "one")
    with pytest.raises(StoreError, match=f"The store at {url} cannot be written: "):
        store.put("kind", IDENTITY, artefact())


def test_a_url_of_nothing_is_refused():
    with pytest.raises(UserError, match="SER_UNLEARN_CACHE: dust://x cannot be used"):
        store_at("dust://x")


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["verify"], ["prune"], ["pack", "a", "--suite", "default"], ["unpack", "a"]],
)
def test_looking_after_it_is_left_to_its_own_tools(
    url: str, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
):
    monkeypatch.setenv("SER_UNLEARN_CACHE", url)
    done = CliRunner().invoke(main, ["store", *arguments])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: The store is at {url}, and 'ser-unlearn store' looks")
    assert default_root().parent.name == "mirrors"


@pytest.mark.slow
def test_a_run_on_one_machine_is_evaluated_on_another(tmp_path: Path):
    """Machines have a cache folder each, and share a URL."""
    copy = Copy(tmp_path)
    url = f"file://{tmp_path}/shared"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
        done = copy(*grid("original", "scrub", "finetune"), "--jobs", "1", store=url)
        assert done.returncode == 0, done.stderr
        before = copy.records()
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
        again = copy("evaluate", "--durability", "--jobs", "1", store=url)
    assert again.returncode == 0, again.stderr
    after = copy.records()
    assert before.keys() == after.keys()
    for path, record in after.items():
        assert record["metrics"]["relearn_steps"] is not None
        # The method did not run again, and neither did retraining.
        assert {name: before[path]["metrics"][name] for name in COSTS} == {
            name: record["metrics"][name] for name in COSTS
        }
