"""`ser-unlearn merge`: records of several machines come together, or nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from toys import make_record

from ser_unlearn.cli import main
from ser_unlearn.evaluation.metrics import METRICS
from ser_unlearn.results.merging import MEASURED, OF_ALL_ATTACKS
from ser_unlearn.results.records import Record, read_record, read_records, write_record
from ser_unlearn.tuning.space import Range
from ser_unlearn.tuning.studies import Study, Trial, TuningSeeds, read_studies, write_study


class Folders:
    """Results folders by their names, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> Path:
        return self.folder / name

    def merge(self, *names: str) -> Result:
        folders = [str(self[name]) for name in names]
        return CliRunner().invoke(main, ["merge", *folders, "--results", str(self["results"])])

    def contents(self, name: str) -> dict[str, bytes]:
        return {
            path.relative_to(self[name]).as_posix(): path.read_bytes()
            for path in self[name].rglob("*")
            if path.is_file()
        }


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    for name in ("results", "a", "b"):
        (tmp_path / name).mkdir()
    return Folders(tmp_path)


def test_the_names_are_those_of_metrics():
    assert METRICS.keys() >= MEASURED | OF_ALL_ATTACKS


def test_what_is_not_there_is_copied_byte_for_byte(folders: Folders):
    write_record(folders["results"], make_record(label="one"))
    write_record(folders["a"], make_record(label="two"))
    write_record(folders["b"], make_record(label="three"))
    path = folders["b"] / make_record(label="three").path
    path.write_text(path.read_text().replace("\n", " "))  # another writer's layout
    before = folders.contents("results")
    result = folders.merge("a", "b")
    assert result.exit_code == 0, result.output
    assert result.output == (
        "records: 2 copied, 0 replaced, 1 left as they were\n"
        "studies: 0 copied, 0 replaced, 0 left as they were\n"
    )
    after = folders.contents("results")
    assert after == {**before, **folders.contents("a"), **folders.contents("b")}
    assert [record.label for record in read_records(folders["results"])] == ["one", "three", "two"]
    assert "0 copied, 0 replaced, 3 left" in folders.merge("a", "b").output


def test_a_results_folder_that_is_not_there_yet_is_made(folders: Folders):
    folders["results"].rmdir()
    write_record(folders["a"], make_record())
    assert folders.merge("a").exit_code == 0
    assert len(list(read_records(folders["results"]))) == 1


def merged(folders: Folders, ours: Record, theirs: Record) -> Record:
    """Merge two records of the same path; the order in which they come must not matter."""
    for name, first, second in (("one", ours, theirs), ("two", theirs, ours)):
        place = Folders(folders[name])
        write_record(place["results"], first)
        write_record(place["a"], second)
        result = place.merge("a")
        assert result.exit_code == 0, result.output
    first, second = (
        read_record(folders[name] / "results", folders[name] / "results" / ours.path)
        for name in ("one", "two")
    )
    if ours.provenance == theirs.provenance and ours.status == theirs.status == "done":
        assert first.revisions == second.revisions
    return first


def done(**changes: Any) -> Record:
    return make_record(
        **{"revisions": {"metrics.accuracy": 1, "attacks.audit": 1, "attacks.loss": 1}, **changes}
    )


def test_a_record_that_is_the_same_but_for_seconds_and_memory_is_left(folders: Folders):
    ours = done(metrics={"runtime_s": 4.0, "speedup": 20.0, "peak_memory_mb": 1.0})
    theirs = done(metrics={"runtime_s": 5.0, "speedup": 16.0, "peak_memory_mb": 2.0})
    assert merged(folders, ours, theirs) == ours


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_what_failed_gives_way_to_what_is_done(folders: Folders, status: str):
    failed = make_record(status=status, reason="out of memory")
    assert merged(folders, failed, done()) == done()


def test_of_two_that_failed_the_first_is_left(folders: Folders):
    failed = make_record(status="failed", reason="out of memory")
    assert merged(folders, failed, make_record(status="timeout", reason="slow")) == failed


def test_more_metrics_take_the_place_of_fewer(folders: Folders):
    ours = done(metrics={"attack_shift": 0.5, "relearn_steps": None})
    theirs = done(
        metrics={"attack_shift": 0.6, "relearn_steps": 4},
        revisions={**done().revisions, "attacks.lira": 1, "durability": 1},
    )
    assert merged(folders, ours, theirs) == theirs


def test_a_later_revision_takes_the_place_of_an_earlier(folders: Folders):
    later = done(metrics={"test_uar": 0.1}, revisions={**done().revisions, "metrics.accuracy": 2})
    assert merged(folders, done(), later) == later


CONTRADICTIONS: dict[str, tuple[Record, str]] = {
    "a metric": (done(metrics={"test_uar": 0.56}), "test_uar 0.55 and 0.56"),
    "a metric that one lacks": (done(metrics={"tow": 0.5}), "tow None and 0.5"),
    "a metric, of more": (
        done(metrics={"test_uar": 0.56}, revisions={**done().revisions, "durability": 1}),
        "test_uar 0.55 and 0.56",
    ),
    "a fingerprint": (done(fingerprint="e" * 32), f"fingerprint {'f' * 32} and {'e' * 32}"),
    "a fingerprint, failed": (
        make_record(fingerprint="e" * 32, status="failed", reason="out of memory"),
        f"fingerprint {'f' * 32} and {'e' * 32}",
    ),
    "an attack": (
        done(
            attacks={
                "loss": {
                    "auc": (0.5, 0, 1),
                    "tpr_at_1fpr": (0, 0, 1),
                    "references": [0.5, 0.5],
                    "told": False,
                }
            }
        ),
        "attacks",
    ),
    "neither has all": (
        done(revisions={"metrics.accuracy": 1, "durability": 2}),
        "revisions attacks.audit: 1, attacks.loss: 1 and durability: 2",
    ),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_contradictions_are_named_and_nothing_is_written(folders: Folders, what: str):
    theirs, difference = CONTRADICTIONS[what]
    write_record(folders["results"], done())
    write_record(folders["a"], make_record(label="another"))
    write_record(folders["b"], theirs)
    before = folders.contents("results")
    result = folders.merge("a", "b")
    assert result.exit_code == 2
    one, other = (folders[name] / done().path for name in ("results", "b"))
    assert f"{one} and {other}: {difference}" in result.output
    assert folders.contents("results") == before


def test_contradictions_among_the_others_are_found_too(folders: Folders):
    write_record(folders["a"], done())
    write_record(folders["b"], done(metrics={"test_uar": 0.1}))
    result = folders.merge("a", "b")
    assert result.exit_code == 2
    assert f"{folders['a'] / done().path} and {folders['b'] / done().path}" in result.output
    assert folders.contents("results") == {}


def test_a_long_list_of_contradictions_is_cut(folders: Folders):
    for number in range(25):
        write_record(folders["a"], done(label=f"row{number}"))
        write_record(folders["b"], done(label=f"row{number}", fingerprint="e" * 32))
    assert "and 5 more" in folders.merge("a", "b").output


def test_a_damaged_record_stops_everything(folders: Folders):
    write_record(folders["a"], make_record(label="one"))
    write_record(folders["b"], make_record(label="two"))
    (folders["b"] / make_record(label="two").path).write_text("[" * 200_000)
    result = folders.merge("a", "b")
    assert result.exit_code == 2
    assert "is damaged" in result.output
    assert folders.contents("results") == {}


def test_a_folder_that_is_not_there_is_named(folders: Folders):
    result = folders.merge("nowhere")
    assert result.exit_code == 2
    assert "nowhere' does not exist" in result.output


def make_study(value: float = 4.0, seconds: float = 1.0, **changes: Any) -> Study:
    trial = Trial(
        parameters={"rate": 0.1},
        status="done",
        reason="",
        values=[value],
        value=value,
        seconds=seconds,
    )
    values: dict[str, Any] = {
        "corpora": ["emodb"],
        "cards": ["c" * 32],
        "recipe": "ecapa",
        "recipe_digest": "d" * 32,
        "scenarios": ["random:16"],
        "label": "fade",
        "method": "fade",
        "code": "e" * 32,
        "criterion": "oracle",
        "seeds": TuningSeeds(sampler=0, runs=[1000], method=0),
        "timeout_s": 60.0,
        "search_space": {"rate": Range(low=0.01, high=1.0, scale="log")},
        "n_trials": 1,
        "trials": [trial],
        "best": 0,
        "best_parameters": {"rate": 0.1},
        "provenance": make_record().provenance,
    }
    return Study(**{**values, **changes})


def test_studies_travel_along(folders: Folders):
    write_study(folders["a"], make_study())
    write_study(folders["b"], make_study(label="npo"))
    result = folders.merge("a", "b")
    assert result.exit_code == 0, result.output
    assert "studies: 2 copied" in result.output
    assert list(read_studies(folders["results"])) == [make_study(), make_study(label="npo")]
    assert list(read_records(folders["results"])) == []


def test_a_study_that_took_longer_is_the_same(folders: Folders):
    write_study(folders["results"], make_study())
    write_study(folders["a"], make_study(seconds=2.0))
    assert "studies: 0 copied, 0 replaced, 1 left" in folders.merge("a").output
    assert list(read_studies(folders["results"])) == [make_study()]


def test_studies_that_contradict_each_other_stop_records_too(folders: Folders):
    write_study(folders["results"], make_study())
    write_study(folders["a"], make_study(value=5.0))
    write_record(folders["a"], make_record())
    before = folders.contents("results")
    result = folders.merge("a")
    assert result.exit_code == 2
    one, other = (folders[name] / make_study().path for name in ("results", "a"))
    assert f"{one} and {other}: trials" in result.output
    assert folders.contents("results") == before
