"""Looking after the store: what is counted, what is found damaged, and what is removed."""

import os
import time

import pandas as pd
import pytest
import torch
from artefacts import flip_a_byte

from ser_unlearn.results.locks import acquire
from ser_unlearn.results.revisions import REVISIONS, revisions
from ser_unlearn.results.store import Artefact
from ser_unlearn.results.upkeep import counts, damaged, entries, prune

PACKAGES = {"torch": "2.11.0"}
CURRENT = {"packages": PACKAGES, "synthesis": {"revision": "1", "numpy": "2.0"}}
NOW = {"revisions": revisions(["corpus"]), "packages": PACKAGES}


def put(store, identity, kind="models", shape="tensors"):
    tensors = {"x": torch.ones(3)} if "tensors" in shape else {}
    table = pd.DataFrame({"a": [1]}) if "table" in shape else None
    store.put(kind, identity, Artefact(tensors, {"a": 1}, table))
    return store.path(kind, identity)


def age(store, seconds=2 * 3600.0):
    for path in [store.root, *store.root.rglob("*")]:
        if not path.is_symlink():
            os.utime(path, (time.time() - seconds, time.time() - seconds))


def everything(store):
    return {path.relative_to(store.root).as_posix() for path in store.root.rglob("*.*")}


def removed(store, **options):
    return {
        each.path.name: each.why for each in prune(store, CURRENT, **{"dry_run": False, **options})
    }


def test_an_empty_store(store):
    assert counts(store) == []
    assert list(damaged(store)) == []
    assert removed(store) == {}
    assert not store.root.exists()


def test_what_is_there_is_counted_by_kind(store):
    first = put(store, {"seed": 1}, "unlearned", "tensors and table")
    put(store, {"seed": 2}, "unlearned", "tensors and table")
    only = put(store, {"seed": 1}, "corpora", "")
    os.utime(only, (1000, 1000))
    (store.root / "notes.txt").write_text("mine")
    corpora, unlearned = counts(store)
    assert (corpora.kind, corpora.artefacts, corpora.newest) == ("corpora", 1, 1000)
    assert corpora.size == only.stat().st_size
    assert (unlearned.kind, unlearned.artefacts) == ("unlearned", 2)
    assert unlearned.size == sum(
        path.stat().st_size for path in (store.root / "unlearned").rglob("*") if path.is_file()
    )
    assert {path.suffix for entry in entries(store) for path in entry.files} == {
        ".json",
        ".safetensors",
        ".parquet",
    }
    assert first in {entry.path for entry in entries(store)}


@pytest.mark.parametrize("suffix", [".json", ".safetensors", ".parquet"])
def test_what_is_damaged_is_named_and_left(store, suffix):
    path = put(store, {"seed": 1}, shape="tensors and table")
    put(store, {"seed": 2})
    flip_a_byte(path.with_suffix(suffix))
    before = everything(store)
    ((found, why),) = damaged(store)
    assert found == path
    assert "checksum" in why
    assert before | {path.with_suffix(".lock").relative_to(store.root).as_posix()} == everything(
        store
    )


def test_what_another_holds_is_not_called_damaged(store):
    path = put(store, {"seed": 1})
    flip_a_byte(path)
    release = acquire(path.with_suffix(".lock"))
    assert list(damaged(store)) == []
    release()
    assert len(list(damaged(store))) == 1


STALE = {
    "a revision": {**NOW, "revisions": {"corpus": REVISIONS["corpus"].number + 1}},
    "a stage that is gone": {**NOW, "revisions": {"telepathy": 1}},
    "a package": {**NOW, "packages": {"torch": "2.10.0"}},
    "a package more": {**NOW, "packages": {**PACKAGES, "speechbrain": "1.1"}},
    "synthesis": {"corpus": {"synthesis": {"revision": "0", "numpy": "2.0"}}},
    "within": {**NOW, "unlearned": {"before": {**NOW, "packages": {"torch": "1"}}}},
}


@pytest.mark.parametrize("what", STALE)
def test_what_another_revision_or_package_made_is_removed(store, what):
    kept = put(store, {**NOW, "unlearned": {"before": None, **NOW}})
    gone = put(store, STALE[what])
    age(store)
    before = everything(store)
    told = removed(store, dry_run=True)
    assert everything(store) == before
    assert removed(store) == told
    assert set(told) == {gone.name}
    assert everything(store) == {
        kept.with_suffix(suffix).relative_to(store.root).as_posix()
        for suffix in (".json", ".safetensors")
    }
    assert removed(store) == {}


def test_an_identity_that_says_nothing_of_revisions_is_kept(store):
    put(store, {"card": "a"})
    age(store)
    assert removed(store) == {}


def test_why_something_is_removed(store):
    revision = put(store, STALE["a revision"])
    package = put(store, STALE["a package"])
    torn = put(store, NOW)
    flip_a_byte(torn)
    age(store)
    told = removed(store, dry_run=True)
    assert told[revision.name] == "made by corpus 2, now 1"
    assert told[package.name] == "made with other packages: torch 2.10.0"
    assert told[torn.name].startswith("damaged: ")


def left_behind(store):
    """All that stopped runs leave, and a file of somebody else's beside it."""
    folder = put(store, NOW).parent
    key = f"{folder.name}{'0' * 30}"
    names = [f".{key}.json.abc_1234.tmp", f"{key}.safetensors", f"{key}.lock"]
    for name in names:
        (folder / name).write_text("")
    (folder / "notes.txt").write_text("mine")
    (folder / f"{'f' * 64}.json").write_text("mine")
    unpacking = store.root / ".unpacking-x"
    (unpacking / "models").mkdir(parents=True)
    (unpacking / "models" / "part.json").write_text("")
    return {*names, unpacking.name}, {f"{key}.json"}


def test_what_stopped_runs_left_behind_is_removed_and_nothing_else(store):
    left, described = left_behind(store)
    age(store)
    gone = set(removed(store))
    # Data without a description goes by the name of the artefact.
    assert gone == {name for name in left if not name.endswith(".safetensors")} | described
    after = {path.name for path in store.root.rglob("*.*")}
    assert not after & left
    assert {"notes.txt", f"{'f' * 64}.json"} < after


def test_nothing_younger_than_an_hour_is_removed(store):
    left_behind(store)
    put(store, STALE["a package"])
    age(store, seconds=3500)
    assert removed(store) == {}
    age(store, seconds=3700)
    assert len(removed(store)) == 5


def test_what_another_holds_is_not_removed(store):
    path = put(store, STALE["a package"])
    release = acquire(path.with_suffix(".lock"))
    age(store)
    assert removed(store, dry_run=True) == removed(store) == {}
    release()
    assert set(removed(store)) == {path.name, path.with_suffix(".lock").name}
    assert everything(store) == set()


def test_whoever_waits_for_a_lock_that_is_removed_takes_a_new_one(store):
    path = put(store, NOW).with_suffix(".lock")
    acquire(path)()
    age(store)
    assert set(removed(store)) == {path.name}
    release = acquire(path)
    assert acquire(path, wait=False) is None
    release()
