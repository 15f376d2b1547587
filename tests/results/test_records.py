from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import survive
from pydantic import ValidationError
from toys import make_record

from ser_unlearn.errors import UserError
from ser_unlearn.results.records import (
    Record,
    Seeds,
    read_claim,
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
        st.none() | st.floats(0, 1),
    ),
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
    reason=st.text(),
)
def test_what_is_written_is_read(tmp_path_factory, metrics, seeds, reason):
    results = tmp_path_factory.mktemp("results")
    model, forget, method = seeds
    ending = {"status": "failed", "reason": reason} if reason else {"metrics": metrics}
    record = make_record(seeds=Seeds(model=model, forget=forget, method=method), **ending)
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrics": {"test_accuracy": 1.5}}, "test_accuracy cannot be 1.5"),
        ({"metrics": {"test_accuracy": -0.1}}, "test_accuracy cannot be -0.1"),
        ({"metrics": {"gap_to_retrain": 101}}, "gap_to_retrain cannot be 101"),
        ({"metrics": {"runtime_s": -1}}, "runtime_s cannot be -1"),
        ({"metrics": {"flops": 1e31}}, "less than or equal to 1000"),
        ({"metrics": {"test_acuracy": 0.5}}, "no metric 'test_acuracy'"),
        ({"sizes": {"forget": 16}}, "size of the set 'retain' is missing"),
        ({"sizes": {"forget": -1}}, "greater than or equal to 0"),
        ({"reason": "it was late"}, "done, and yet has a reason"),
        ({"status": "failed", "metrics": {"tow": 0.5}}, "not done, and yet has metrics"),
        ({"status": "failed", "revisions": {"attacks.loss": 1}}, "not done, and yet has"),
        ({"label": "a/b"}, "slash"),
        ({"label": "x" * 201}, "longer than 200"),
        ({"corpus": ".."}, "names a folder's place"),
        ({"scenario": "random:\n16"}, "control character"),
        ({"needs": ["\x1b[31m"]}, "control character"),
        ({"seeds": {"model": -1, "forget": 0, "method": 0}}, "greater than or equal to 0"),
        ({"parameters": {"rate": float("inf")}}, "finite"),
        (
            {
                "attacks": {
                    "loss": {
                        "auc": (0.5, 0.2, 1.2),
                        "tpr_at_1fpr": (0, 0, 0),
                        "references": [0.5, 0.5],
                        "told": False,
                    }
                }
            },
            "less than or equal to 1",
        ),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        make_record(**changes)


def test_a_commit_that_is_none_is_refused():
    values = make_record().model_dump()
    values["provenance"]["commit"] = "`<b>"
    with pytest.raises(ValidationError, match="commit"):
        Record.model_validate(values)


def test_rounding_is_no_contradiction():
    make_record(metrics={"test_uar": 1.0000000000000002, "tow": -1e-17})


def test_whatever_a_method_raises_can_be_stored(tmp_path: Path):
    record = make_record(status="failed", reason="a\x00\ud800" + "x" * 10_000)
    write_record(tmp_path, record)
    assert read_record(tmp_path, tmp_path / record.path) == record
    assert record.reason.startswith("a\x00\\ud800x")
    assert len(record.reason) == 5_000


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"schema_version": 2, "schema_version": 2}',
        b"\xff\xfe",
        b'{"a": ' + b"9" * 5_000 + b"}",
        b" " * (8 * 1024 * 1024 + 1),
    ],
    ids=["deep", "twice", "not UTF-8", "digits", "large"],
)
def test_a_file_that_is_no_record_is_named_in_one_line(tmp_path: Path, content: bytes):
    path = tmp_path / make_record().path
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"method0\.json is damaged \(.*Delete it") as refusal:
        read_record(tmp_path, path)
    assert str(refusal.value).isprintable()


def test_an_endless_file_is_not_read(tmp_path: Path):
    path = tmp_path / make_record().path
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match="not an ordinary file"):
        list(read_records(tmp_path))


def test_mutations_of_a_record_are_taken_or_refused(tmp_path: Path):
    record = make_record()
    write_record(tmp_path, record)
    path = tmp_path / record.path

    def read(text: str) -> Record:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return read_record(tmp_path, path)

    survive(path.read_text(), read)


def test_names_with_wildcards_are_read_as_they_are(tmp_path: Path):
    write_record(tmp_path, make_record(corpus="[ab]"))
    write_record(tmp_path, make_record(corpus="a"))
    assert [record.corpus for record in read_records(tmp_path, "[ab]", "ecapa")] == ["[ab]"]


def test_a_look_at_a_record_says_what_the_record_says(tmp_path: Path):
    record = make_record(revisions={"metrics.accuracy": 3}, references=5)
    write_record(tmp_path, record)
    found = read_claim(tmp_path, tmp_path / record.path)
    assert found.model_dump() == record.model_dump(include=set(type(found).model_fields))


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"fingerprint": "f"}', '{"status": 3}'])
def test_a_look_at_what_is_no_record_refuses_it(tmp_path: Path, damage: str):
    write_record(tmp_path, make_record())
    path = tmp_path / make_record().path
    path.write_text(damage)
    with pytest.raises(UserError, match="is damaged"):
        read_claim(tmp_path, path)


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
