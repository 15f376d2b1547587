from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from toys import make_record

from ser_unlearn.errors import UserError
from ser_unlearn.results.records import (
    Record,
    Seeds,
    read_record,
    read_records,
    record_path,
    write_record,
)


def test_the_path_says_what_the_record_is():
    record = make_record(scenario="random:5%", label="fade[epochs=3]")
    expected = Path("emodb/ecapa/random-5pct/fade[epochs=3]/model0-forget0-method0.json")
    assert record.path == expected


@settings(max_examples=50, deadline=None)
@given(
    metrics=st.dictionaries(
        st.sampled_from(["forgetting_rate", "gap_to_retrain", "tow"]),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
    reason=st.text(),
)
def test_what_is_written_is_read(tmp_path_factory, metrics, seeds, reason):
    results = tmp_path_factory.mktemp("results")
    model, forget, method = seeds
    record = make_record(
        metrics=metrics, reason=reason, seeds=Seeds(model=model, forget=forget, method=method)
    )
    write_record(results, record)
    assert read_record(results, results / record.path) == record
    assert list(read_records(results)) == [record]


def test_a_new_record_takes_the_place_of_the_old(tmp_path: Path):
    write_record(tmp_path, make_record(fingerprint="a"))
    write_record(tmp_path, make_record(fingerprint="b"))
    assert [record.fingerprint for record in read_records(tmp_path)] == ["b"]
    assert len(list(tmp_path.rglob("*"))) == len(["emodb", "ecapa", "random-16", "fade", "file"])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text[: len(text) // 2], id="cut short"),
        pytest.param(lambda text: "", id="empty"),
        pytest.param(
            lambda text: text.replace('"status": "done"', '"status": "fine"'), id="status"
        ),
        pytest.param(lambda text: text.replace('"corpus"', '"korpus"'), id="unknown key"),
        pytest.param(lambda text: text.replace("0.55", "NaN"), id="not a number"),
    ],
)
def test_a_damaged_record_is_named_with_the_remedy(tmp_path: Path, damage):
    record = make_record()
    write_record(tmp_path, record)
    path = tmp_path / record.path
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=r"model0-forget0-method0\.json is damaged .*Delete it"):
        read_record(tmp_path, path)


def test_a_record_in_the_wrong_place_is_refused(tmp_path: Path):
    record = make_record()
    write_record(tmp_path, record)
    elsewhere = tmp_path / record_path("emodb", "ecapa", "random:16", "other", record.seeds)
    elsewhere.parent.mkdir()
    (tmp_path / record.path).rename(elsewhere)
    with pytest.raises(UserError, match="Move it there"):
        read_record(tmp_path, elsewhere)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_that_is_not_finite_is_refused(value: float):
    with pytest.raises(ValidationError):
        make_record(metrics={"tow": value})


def test_a_record_is_plain_json(tmp_path: Path):
    record = make_record()
    write_record(tmp_path, record)
    values = json.loads((tmp_path / record.path).read_text())
    assert values["schema_version"] == 2
    assert Record.model_validate(values) == record
