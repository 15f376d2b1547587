"""What is damaged in the store is thrown away with a warning, and made again."""

import json
from pathlib import Path

import pandas as pd
import pytest
from artefacts import IDENTITY, Maker, artefact, cut, files, flip_a_byte, the_file

from ser_unlearn.results.store import Artefact, DamagedArtefactWarning


def test_a_damaged_table_is_made_again(store):
    def made(value):
        return lambda: Artefact(table=pd.DataFrame({"value": [value]}))

    store.fetch("kind", IDENTITY, made(1))
    flip_a_byte(the_file(store, ".parquet"))
    with pytest.warns(DamagedArtefactWarning, match="checksum"):
        assert store.fetch("kind", IDENTITY, made(2)).table["value"].tolist() == [2]


DAMAGE = {
    "tensors: a bit": (".safetensors", flip_a_byte),
    "tensors: cut": (".safetensors", cut),
    "tensors: empty": (".safetensors", lambda path: path.write_bytes(b"")),
    "tensors: gone": (".safetensors", Path.unlink),
    "description: cut": (".json", cut),
    "description: empty": (".json", lambda path: path.write_bytes(b"")),
    "description: no text": (".json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    "description: a list": (".json", lambda path: path.write_text("[]")),
    "description: a number": (".json", lambda path: path.write_text("7")),
    "description: no key": (".json", lambda path: path.write_text("{}")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_artefact_is_thrown_away_with_a_warning_and_made_again(store, damage):
    suffix, harm = DAMAGE[damage]
    store.fetch("kind", IDENTITY, Maker())
    harm(the_file(store, suffix))
    maker = Maker(artefact(2.0))
    with pytest.warns(DamagedArtefactWarning, match="made again") as warned:
        found = store.fetch("kind", IDENTITY, maker)
    assert len(warned) == 1
    assert maker.calls == 1
    assert found.meta == {"value": 2.0}
    assert found.tensors["x"].tolist() == [2, 2, 2]
    assert store.fetch("kind", IDENTITY, maker).meta == {"value": 2.0}  # now without a warning
    assert maker.calls == 1


def test_what_another_process_has_mended_meanwhile_is_not_thrown_away(store, monkeypatch):
    store.fetch("kind", IDENTITY, Maker())
    cut(the_file(store, ".json"))
    loads = json.loads

    def slowly(text):
        # After the damaged text was read, and before it is understood.
        monkeypatch.setattr(json, "loads", loads)
        store.put("kind", IDENTITY, artefact(3.0))
        return loads(text)

    monkeypatch.setattr(json, "loads", slowly)
    maker = Maker()
    assert store.fetch("kind", IDENTITY, maker).meta == {"value": 3.0}
    assert maker.calls == 0


def test_an_artefact_in_anothers_place_is_not_taken_for_it(store):
    store.fetch("kind", IDENTITY, lambda: Artefact(meta={"value": 1}))
    mine = the_file(store, ".json")
    other = {**IDENTITY, "seed": 2}
    store.fetch("kind", other, lambda: Artefact(meta={"value": 2}))
    (theirs,) = set(files(store, ".json")) - {mine}
    mine.write_bytes(theirs.read_bytes())
    with pytest.warns(DamagedArtefactWarning, match="something else"):
        found = store.fetch("kind", IDENTITY, lambda: Artefact(meta={"value": 3}))
    assert found.meta == {"value": 3}
    assert store.fetch("kind", other, Maker()).meta == {"value": 2}


def test_the_warning_says_which_file(store):
    store.fetch("kind", IDENTITY, Maker())
    path = the_file(store, ".json")
    path.write_text(json.dumps({"identity": IDENTITY, "meta": {}, "sha256": "0" * 64}))
    with pytest.warns(DamagedArtefactWarning) as warned:
        store.fetch("kind", IDENTITY, Maker())
    assert str(path) in str(warned[0].message)
    assert "checksum" in str(warned[0].message)
