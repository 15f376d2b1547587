"""Parcels: artefacts come over whole, or nothing is put in place."""

import gzip
import io
import tarfile

import pytest
import torch
from artefacts import flip_a_byte
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.errors import StoreError, UserError
from ser_unlearn.results.parcels import pack, unpack
from ser_unlearn.results.store import Artefact, Store

WANTED = [("models", {"seed": seed}) for seed in range(3)]


@pytest.fixture
def elsewhere(tmp_path):
    return Store(tmp_path / "elsewhere")


def put(store, seed):
    store.put("models", {"seed": seed}, Artefact({"x": torch.full((40,), seed)}, {"seed": seed}))


@pytest.fixture
def parcel(store, tmp_path):
    for seed in range(4):
        put(store, seed)
    pack(store, WANTED, tmp_path / "parcel.tar")
    return tmp_path / "parcel.tar"


def seeds(store):
    """Of all that a store has; each is checked."""
    found = []
    for seed in range(4):
        if store.has("models", {"seed": seed}):
            artefact = store.fetch("models", {"seed": seed}, Artefact)
            assert artefact.meta == {"seed": seed}
            assert artefact.tensors["x"].tolist() == [seed] * 40
            found.append(seed)
    return found


def nothing_left(store):
    return not store.root.exists() or list(store.root.iterdir()) == []


@pytest.mark.parametrize("name", ["parcel.tar", "parcel.tar.gz"])
def test_what_is_packed_is_unpacked(store, elsewhere, tmp_path, name):
    for seed in range(4):
        put(store, seed)
    assert pack(store, WANTED, tmp_path / name) == (tmp_path / name).stat().st_size
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith("gz")
    put(elsewhere, 1)
    done = unpack(elsewhere, tmp_path / name)
    assert (done.put, done.there) == (2, 1)
    assert seeds(elsewhere) == [0, 1, 2]
    assert not list(elsewhere.root.glob(".*"))
    assert unpack(elsewhere, tmp_path / name).there == 3


def test_a_damaged_artefact_that_is_there_gives_way(parcel, elsewhere):
    put(elsewhere, 1)
    flip_a_byte(elsewhere.path(*WANTED[1]).with_suffix(".safetensors"))
    assert unpack(elsewhere, parcel).put == 3
    assert seeds(elsewhere) == [0, 1, 2]


def test_what_is_damaged_is_not_packed(store, tmp_path):
    put(store, 0)
    flip_a_byte(store.path(*WANTED[0]).with_suffix(".safetensors"))
    with pytest.raises(UserError, match="is damaged"):
        pack(store, WANTED[:1], tmp_path / "parcel.tar")
    assert not (tmp_path / "parcel.tar").exists()


def test_a_parcel_that_cannot_be_written_is_named(store, tmp_path):
    put(store, 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"parcel\.tar cannot be written"):
        pack(store, WANTED[:1], tmp_path / "file" / "parcel.tar")


def test_a_parcel_that_is_not_there_is_named(elsewhere, tmp_path):
    with pytest.raises(UserError, match="cannot be read: No such file"):
        unpack(elsewhere, tmp_path / "parcel.tar")
    assert nothing_left(elsewhere)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    damage=st.sampled_from(["flip", "cut", "zero"]),
    compressed=st.booleans(),
    place=st.integers(0, 20_000),
)
def test_a_damaged_parcel_gives_the_right_models_or_none(
    tmp_path_factory, damage, compressed, place
):
    folder = tmp_path_factory.mktemp("parcels")
    store, elsewhere = Store(folder / "store"), Store(folder / "elsewhere")
    for seed in range(3):
        put(store, seed)
    parcel = folder / f"parcel.tar{'.gz' if compressed else ''}"
    pack(store, WANTED, parcel)
    data = bytearray(parcel.read_bytes())
    place %= len(data)
    if damage == "flip":
        data[place] ^= 0xFF
    elif damage == "cut":
        del data[place:]
    else:
        data[place : place + 600] = bytes(len(data[place : place + 600]))
    parcel.write_bytes(data)
    try:
        unpack(elsewhere, parcel)
    except UserError:
        assert nothing_left(elsewhere)
    else:
        assert seeds(elsewhere) == [0, 1, 2]


def members(parcel):
    with tarfile.open(parcel) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}


def write(parcel, contents, *further):
    with tarfile.open(parcel, "w") as tar:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for member in further:
            tar.addfile(member)


def link(kind, name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


KEY = "ab" + "0" * 30
FOREIGN = {
    "above": "../evil.json",
    "far above": f"models/../../../ab/{KEY}.json",
    "absolute": f"/tmp/models/ab/{KEY}.json",
    "another suffix": f"models/ab/{KEY}.py",
    "another folder": f"models/cd/{KEY}.json",
    "deeper": f"models/models/ab/{KEY}.json",
    "hidden": f"models/ab/.{KEY}.json",
    "odd kind": f"mo\ndels/ab/{KEY}.json",
    "a name with a line's end": f"models/ab/{KEY}.json\n",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_name_that_is_none_of_the_stores_is_refused(parcel, elsewhere, tmp_path, what):
    write(parcel, {**members(parcel), FOREIGN[what]: b"evil"})
    before = {path for path in tmp_path.rglob("*") if "elsewhere" not in path.parts}
    with pytest.raises(UserError, match="which no parcel of artefacts does"):
        unpack(elsewhere, parcel)
    assert nothing_left(elsewhere)
    assert before == {path for path in tmp_path.rglob("*") if "elsewhere" not in path.parts}


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE],
)
def test_what_is_no_plain_file_is_refused(parcel, elsewhere, kind):
    write(parcel, members(parcel), link(kind, f"models/ab/{KEY}.safetensors", "/etc/passwd"))
    with pytest.raises(UserError, match="which no parcel of artefacts does"):
        unpack(elsewhere, parcel)
    assert nothing_left(elsewhere)


def test_the_same_name_twice_is_refused(parcel, elsewhere, tmp_path):
    contents = members(parcel)
    name = next(iter(contents))
    with tarfile.open(parcel, "a") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(UserError, match="which no parcel of artefacts does"):
        unpack(elsewhere, parcel)
    assert nothing_left(elsewhere)


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
@pytest.mark.parametrize("damage", ["changed", "missing", "swapped"])
def test_an_artefact_that_is_not_whole_is_refused_with_all_others(
    parcel, elsewhere, suffix, damage
):
    contents = members(parcel)
    first, second = [name for name in contents if name.endswith(suffix)][:2]
    if damage == "changed":
        contents[first] = contents[first][:-3] + b"xyz"
    elif damage == "missing":
        del contents[first]
    else:
        contents[first] = contents[second]
    write(parcel, contents)
    with pytest.raises(UserError, match="is no whole parcel"):
        unpack(elsewhere, parcel)
    assert nothing_left(elsewhere)


def test_another_kinds_artefact_is_refused(parcel, elsewhere):
    contents = {name.replace("models/", "corpora/"): data for name, data in members(parcel).items()}
    write(parcel, contents)
    with pytest.raises(UserError, match="it describes something else"):
        unpack(elsewhere, parcel)
    assert nothing_left(elsewhere)


@pytest.mark.parametrize(
    "content",
    [b"", b"no tar", bytes(5000), gzip.compress(b"no tar")],
    ids=["empty", "text", "zeros", "compressed"],
)
def test_what_is_no_parcel_is_refused(elsewhere, tmp_path, content):
    (tmp_path / "parcel.tar").write_bytes(content)
    if content == bytes(5000):
        # A tar archive of nothing.
        assert unpack(elsewhere, tmp_path / "parcel.tar").put == 0
    else:
        with pytest.raises(UserError, match="is no whole parcel"):
            unpack(elsewhere, tmp_path / "parcel.tar")
    assert nothing_left(elsewhere)


def test_a_store_that_cannot_be_written_is_named(parcel, tmp_path):
    (tmp_path / "blocked").write_text("")
    with pytest.raises(StoreError, match="blocked cannot be written"):
        unpack(Store(tmp_path / "blocked"), parcel)
