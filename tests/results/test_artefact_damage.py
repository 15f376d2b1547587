"""Whatever happens to an artefact's files: the right value comes back, or it is made again."""

import errno
import hashlib
import json
import os
import pickle
import shutil
import sys
import warnings

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.results import artefacts
from ser_unlearn.results.artefacts import encode
from ser_unlearn.results.store import Artefact, DamagedArtefactWarning, Store

IDENTITY = {"what": "a thing", "seed": 1}


def made_of(shape, value):
    """An artefact of tensors, of a table, of both, or of a description alone."""
    return Artefact(
        {"x": torch.full((20,), float(value))} if "tensors" in shape else {},
        {"value": value, "text": "ä", "list": [1, 2.5, None, True, -0.0, 1e300]},
        pd.DataFrame({"value": [value] * 20}) if "table" in shape else None,
    )


SHAPES = {
    "description": [".json"],
    "tensors": [".json", ".safetensors"],
    "table": [".json", ".parquet"],
    "tensors and table": [".json", ".safetensors", ".parquet"],
}


def value_of(artefact, shape):
    """The value of an artefact, once it is known that all of it says the same."""
    value = artefact.meta["value"]
    assert repr(artefact.meta) == repr(made_of(shape, value).meta)
    assert set(artefact.tensors) == ({"x"} if "tensors" in shape else set())
    if "tensors" in shape:
        assert artefact.tensors["x"].tolist() == [value] * 20
    assert (artefact.table is not None) == ("table" in shape)
    if "table" in shape:
        assert artefact.table["value"].tolist() == [value] * 20
    return value


def flip(path, place, other):
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1 + place % 255
    path.write_bytes(data)


def zero(path, place, other):
    data = path.read_bytes()
    start = place % len(data)
    path.write_bytes(data[:start] + bytes(len(data) - start))


def cut_short(path, place, other):
    os.truncate(path, place % path.stat().st_size)


def cut_front(path, place, other):
    path.write_bytes(path.read_bytes()[1 + place % (path.stat().st_size - 1) :])


def extend(path, place, other):
    path.write_bytes(path.read_bytes() + b"\n \0}"[place % 4 : place % 4 + 1])


def make_huge(path, place, other):
    os.truncate(path, 2**40)


def double(path, place, other):
    path.write_bytes(path.read_bytes() * 2)


def swap(path, place, other):
    path.write_bytes(other.read_bytes())


def delete(path, place, other):
    path.unlink()


def put_folder(path, place, other):
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"something")


def link_nowhere(path, place, other):
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def link_to_itself(path, place, other):
    path.unlink()
    path.symlink_to(path)


def put_pipe(path, place, other):
    path.unlink()
    os.mkfifo(path)


def nest(path, place, other):
    path.write_bytes(b"[" * 200_000)


def no_text(path, place, other):
    path.write_bytes(b"\xff\xfe\x00\xd8" * 50)


def not_a_number(path, place, other):
    path.write_bytes(b'{"identity": {}, "meta": {"value": NaN}}')


DAMAGES = [
    *(flip, zero, cut_short, cut_front, extend, make_huge, double, swap, delete),
    *(put_folder, link_nowhere, link_to_itself, put_pipe, nest, no_text, not_a_number),
]
# A description that is deleted leaves no artefact: there is nothing to warn of.
CASES = [
    pytest.param(shape, suffix, damage, id=f"{shape}{suffix}-{damage.__name__}")
    for shape, suffixes in SHAPES.items()
    for suffix in suffixes
    for damage in DAMAGES
]
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")


def damaged_and_fetched(store, shape, suffix, damage, place):
    """Store 1, damage a file, and fetch: what 2 was made for, if it was. Returns value, warned."""
    store.fetch("kind", IDENTITY, lambda: made_of(shape, 1))
    other = {**IDENTITY, "seed": 2}
    store.fetch("kind", other, lambda: made_of(shape, 3))
    path = store.path("kind", IDENTITY).with_suffix(suffix)
    damage(path, place, store.path("kind", other).with_suffix(suffix))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = store.fetch("kind", IDENTITY, lambda: made_of(shape, 2))
    assert {each.category for each in caught} <= {DamagedArtefactWarning}
    # Whatever it was, it is mended now, without another warning, and nothing else was touched.
    assert value_of(store.fetch("kind", IDENTITY, Artefact), shape) == value_of(found, shape)
    assert value_of(store.fetch("kind", other, Artefact), shape) == 3
    return value_of(found, shape), len(caught)


@pytest.mark.slow
@posix
@pytest.mark.parametrize(("shape", "suffix", "damage"), CASES)
def test_a_damaged_file_is_noticed_and_made_again(store, shape, suffix, damage):
    value, warned = damaged_and_fetched(store, shape, suffix, damage, 1234)
    assert value == 2
    assert warned == (0 if (suffix, damage) == (".json", delete) else 1)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    case=st.sampled_from([(shape, suffix) for shape in SHAPES for suffix in SHAPES[shape]]),
    damage=st.sampled_from([flip, zero, cut_short, cut_front, extend, swap]),
    place=st.integers(0, 10_000),
)
def test_never_a_wrong_value(tmp_path_factory, case, damage, place):
    store = Store(tmp_path_factory.mktemp("store"))
    value, warned = damaged_and_fetched(store, *case, damage, place)
    assert (value, warned) in {(1, 0), (2, 1)}
    shutil.rmtree(store.root)


def test_every_byte_of_a_description_counts(store):
    store.put("kind", IDENTITY, made_of("description", 1))
    path = store.path("kind", IDENTITY)
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(artefacts.DamageError):
            artefacts.describe(path, "kind")
    path.write_bytes(whole)
    assert artefacts.describe(path, "kind").meta == made_of("description", 1).meta


def sealed(body):
    """A description that has its checksum, whatever it says."""
    checksum = hashlib.sha256(body).hexdigest().encode()
    return b'{"sha256": "' + checksum + b'", "artefact": ' + body + b"}\n"


SAYS = {"kind": "kind", "identity": IDENTITY, "meta": {"value": 9}, "files": {}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[" * 200_000, id="nested deeply"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="nothing said"),
        pytest.param(b"9" * 5000, id="a long number"),
        pytest.param(json.dumps({**SAYS, "kind": "other"}).encode(), id="another kind's"),
        pytest.param(json.dumps({**SAYS, "identity": {}}).encode(), id="another key's"),
        pytest.param(json.dumps({**SAYS, "identity": [1]}).encode(), id="identity a list"),
        pytest.param(
            json.dumps({**SAYS, "identity": {**IDENTITY, "seed": True}}).encode(), id="true for 1"
        ),
        pytest.param(json.dumps({**SAYS, "files": {".parquet": 1}}).encode(), id="no sums"),
        pytest.param(
            json.dumps({**SAYS, "files": {"x": {"length": 1, "sha256": ""}}}).encode(),
            id="another file",
        ),
    ],
)
def test_a_description_with_its_checksum_must_still_be_one(store, body):
    path = store.path("kind", IDENTITY)
    path.parent.mkdir(parents=True)
    path.write_bytes(sealed(body))
    with pytest.warns(DamagedArtefactWarning):
        found = store.fetch("kind", IDENTITY, lambda: made_of("tensors", 2))
    assert value_of(found, "tensors") == 2


def test_an_artefact_of_an_older_form_is_made_again(store):
    path = store.path("kind", IDENTITY)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"identity": IDENTITY, "meta": {"value": 1}}))
    with pytest.warns(DamagedArtefactWarning):
        found = store.fetch("kind", IDENTITY, lambda: made_of("description", 2))
    assert value_of(found, "description") == 2


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("suffix", [".json", ".safetensors", ".parquet"])
def test_nothing_is_unpickled(store, tmp_path, suffix, monkeypatch):
    """Not even what has its checksum."""
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    shape = "tensors and table"
    encoded = encode("kind", IDENTITY, made_of(shape, 1))
    says = json.loads(encoded[".json"])["artefact"]
    if suffix != ".json":
        says["files"][suffix] = {
            "length": len(bomb),
            "sha256": hashlib.sha256(bomb).hexdigest(),
        }
    encoded[".json"] = sealed(json.dumps(says).encode())
    encoded[suffix] = bomb
    path = store.path("kind", IDENTITY)
    path.parent.mkdir(parents=True)
    for each, data in encoded.items():
        path.with_suffix(each).write_bytes(data)
    with pytest.warns(DamagedArtefactWarning):
        found = store.fetch("kind", IDENTITY, lambda: made_of(shape, 2))
    assert value_of(found, shape) == 2
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("suffix", [".json", ".safetensors", ".parquet"])
def test_a_file_that_the_disk_has_lost_is_made_again(store, monkeypatch, suffix):
    shape = "tensors and table"
    store.fetch("kind", IDENTITY, lambda: made_of(shape, 1))
    lose(monkeypatch, suffix)
    with pytest.warns(DamagedArtefactWarning, match="cannot be read"):
        found = store.fetch("kind", IDENTITY, lambda: made_of(shape, 2))
    assert value_of(found, shape) == 2


def lose(monkeypatch, suffix):
    """A file with a bad sector, until another takes its place."""
    read, write = artefacts._length, artefacts.discard
    lost = [True]

    def length(path):
        if lost[0] and path.suffix == suffix:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return read(path)

    def discard(path):
        lost[0] = False
        write(path)

    monkeypatch.setattr(artefacts, "_length", length)
    monkeypatch.setattr("ser_unlearn.results.store.discard", discard)


class Unheard(dict):
    """Keys that JSON writes as text."""


@pytest.mark.parametrize(
    "meta",
    [
        {1: "a", None: "b", False: "c", 2.5: "d"},
        {"tuple": (1, (2,))},
        {"lone surrogate": "\ud800", "zero": -0.0, "small": 5e-324, "large": 10**300},
        Unheard(a=Unheard()),
        {"a" * 10_000: ["x"] * 10_000},
    ],
)
def test_meta_comes_back_exactly_as_json_has_it(store, meta):
    for _ in range(2):
        found = store.fetch("kind", IDENTITY, lambda: Artefact(meta=meta))
        assert json.dumps(found.meta) == json.dumps(json.loads(json.dumps(meta)))


def test_a_description_that_is_nested_too_deeply_to_be_read_is_not_written(store):
    meta: dict[str, object] = {}
    for _ in range(100_000):
        meta = {"a": meta}
    with pytest.raises(RecursionError):
        store.fetch("kind", IDENTITY, lambda: Artefact({"x": torch.zeros(1)}, meta))
    assert [
        path for path in store.root.rglob("*") if path.suffix in {".json", ".safetensors"}
    ] == []
