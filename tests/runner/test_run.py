"""Whole runs through the real command line, with the recipe `tiny`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from checkouts import ROOT, copy_package

from ser_unlearn.evaluation.metrics import METRICS
from ser_unlearn.results.records import Record, read_records

ROWS = ("original", "retrain", "finetune", "gradient_ascent", "scrub", "ssd")
"""Methods of every kind: none, retain set, forget set, both, and what was kept from training."""
COSTS = {"runtime_s", "speedup", "peak_memory_mb"}
"""Metrics that depend on how busy the machine is."""
SMALL = ("--recipe", "tiny", "--model-seeds", "1", "--forget-seeds", "1")
GRID = (*SMALL, *(word for row in ROWS for word in ("--method", row)))


class Workplace:
    """A folder with a store and results of its own."""

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "SER_UNLEARN_CACHE": str(store)}
        self.tables: list[Path] = []
        """Those of the first run: other tests add to the store."""

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ser_unlearn", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def store_tables(self) -> list[Path]:
        """The tables of all unlearned models that are in the store now."""
        return list(Path(self.environment["SER_UNLEARN_CACHE"]).glob("unlearned/*/*.parquet"))

    def records(self, results: str = "results") -> list[Record]:
        return list(read_records(self.folder / results))


def steady(records: list[Record]) -> dict[str, dict[str, float | None]]:
    """The metrics that must not depend on order, workers or interruptions."""
    return {
        str(record.path): {
            name: value for name, value in record.metrics.items() if name not in COSTS
        }
        for record in records
    }


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace in which every row has run with four workers."""
    place = Workplace(tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("store"))
    done = place("run", *GRID, "--jobs", "4")
    assert done.returncode == 0, done.stderr
    (place.folder / "first.txt").write_text(done.stdout)
    place.tables = place.store_tables()
    return place


def test_every_row_leaves_a_record_with_every_metric(workplace: Workplace):
    records = workplace.records()
    assert sorted(record.label for record in records) == sorted(ROWS)
    for record in records:
        assert (record.status, record.reason) == ("done", "")
        assert set(record.metrics) == set(METRICS)
        assert record.sizes["forget"] == 16


def test_the_table_has_a_line_for_every_row(workplace: Workplace):
    table = (workplace.folder / "first.txt").read_text()
    starts = [line.split()[0] for line in table.splitlines() if line]
    assert set(ROWS) <= set(starts)


def test_run_again_prints_the_same_table_and_runs_nothing(workplace: Workplace):
    before = {path: path.stat().st_mtime_ns for path in workplace.folder.rglob("*.json")}
    again = workplace("run", *GRID)
    assert again.stdout == (workplace.folder / "first.txt").read_text()
    assert again.stderr == ""
    assert before == {path: path.stat().st_mtime_ns for path in workplace.folder.rglob("*.json")}


def test_what_the_store_has_is_evaluated_without_running_the_method(workplace: Workplace):
    done = workplace("run", *GRID, "--results", "again")
    assert done.returncode == 0, done.stderr
    # Runtimes too: they were measured when the methods ran.
    first = {record.path: record.metrics for record in workplace.records()}
    assert {record.path: record.metrics for record in workplace.records("again")} == first


def test_evaluate_gives_the_same_numbers_and_runs_nothing(workplace: Workplace, tmp_path: Path):
    results = tmp_path / "results"
    shutil.copytree(workplace.folder / "results", results)
    before = {record.path: record for record in read_records(results)}
    for path in results.rglob("*.json"):
        record = json.loads(path.read_text())
        record["metrics"] = {"runtime_s": record["metrics"]["runtime_s"]}
        path.write_text(json.dumps(record))

    done = workplace("evaluate", "--results", str(results))
    assert done.returncode == 0, done.stderr
    assert "Left as they are" not in done.stderr
    assert {record.path: record for record in read_records(results)} == before


def test_evaluate_leaves_what_the_store_lacks(workplace: Workplace, tmp_path: Path):
    elsewhere = Workplace(workplace.folder, tmp_path / "store")
    before = {path: path.read_bytes() for path in workplace.folder.rglob("model0*.json")}
    done = elsewhere("evaluate")
    assert done.returncode == 0, done.stderr
    assert f"{len(ROWS)} of {len(ROWS)} records" in done.stderr
    assert before == {path: path.read_bytes() for path in workplace.folder.rglob("model0*.json")}


def test_dearer_attacks_are_added_and_then_kept(workplace: Workplace, tmp_path: Path):
    arguments = (*SMALL, "--method", "original", "--results", str(tmp_path / "results"))
    done = workplace("run", *arguments, "--attacks", "standard")
    assert done.returncode == 0, done.stderr
    (record,) = read_records(tmp_path / "results")
    assert {"loss", "lira-online", "rmia-offline", "iam"} < set(record.attacks)
    assert "ulira" not in record.attacks
    again = workplace("run", *arguments)
    assert again.stderr == ""
    assert [record] == list(read_records(tmp_path / "results"))
    anew = workplace("evaluate", "--results", str(tmp_path / "results"))
    assert anew.returncode == 0, anew.stderr
    assert [record] == list(read_records(tmp_path / "results"))


def test_methods_run_again_with_other_random_numbers(workplace: Workplace, tmp_path: Path):
    arguments = (*SMALL, "--method", "retrain", "--method", "random_label", "--method-seeds", "2")
    done = workplace("run", *arguments, "--results", str(tmp_path / "results"))
    assert done.returncode == 0, done.stderr
    records = list(read_records(tmp_path / "results"))
    found = {(each.label, each.seeds.method): each.metrics["output_divergence"] for each in records}
    assert set(found) == {(row, seed) for row in ("retrain", "random_label") for seed in (0, 1)}
    assert found["random_label", 0] != found["random_label", 1]
    # The recipe's randomness goes with the model seed.
    assert found["retrain", 0] == found["retrain", 1] == 0


def test_durability_is_measured_where_it_is_asked_for(workplace: Workplace, tmp_path: Path):
    arguments = (*SMALL, "--method", "original", "--results", str(tmp_path / "results"))
    done = workplace("run", *arguments, "--durability")
    assert done.returncode == 0, done.stderr
    (record,) = read_records(tmp_path / "results")
    assert record.metrics["relearn_steps"] == 0  # it never forgot
    without = next(each for each in workplace.records() if each.label == "original")
    assert without.metrics["relearn_steps"] is None
    again = workplace("run", *arguments)
    assert again.stderr == ""


def test_per_utterance_outputs_stand_in_the_store(workplace: Workplace):
    tables = [pd.read_parquet(path) for path in workplace.tables]
    assert len(tables) == len(ROWS)
    accuracies = set()
    for table in tables:
        logits = table.filter(like="logit_")
        said = logits.idxmax(axis=1).str.removeprefix("logit_")
        forget = table["set"] == "forget"
        assert forget.sum() == 16
        accuracies.add(float((said == table["emotion"])[forget].mean()))
    assert accuracies == {record.metrics["forget_accuracy"] for record in workplace.records()}


def test_the_reference_agrees_with_itself(workplace: Workplace):
    by_label = {record.label: record.metrics for record in workplace.records()}
    assert by_label["retrain"]["gap_to_retrain"] == 0
    assert by_label["retrain"]["tow"] == 1
    assert by_label["retrain"]["output_divergence"] == 0
    assert by_label["retrain"]["speedup"] == pytest.approx(1, abs=0.5)  # its store costs time
    assert by_label["retrain"]["flops_ratio"] == 1
    assert by_label["original"]["relative_forgetting"] == 0
    assert by_label["original"]["test_accuracy_drop"] == 0
    assert by_label["original"]["flops"] == 0
    assert by_label["original"]["speedup"] is None


def test_one_worker_gives_what_four_give(workplace: Workplace, tmp_path: Path):
    alone = Workplace(tmp_path, tmp_path / "store")
    done = alone("run", *GRID, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert steady(alone.records()) == steady(workplace.records())


def test_a_killed_run_goes_on_where_it_was(workplace: Workplace, tmp_path: Path):
    place = Workplace(tmp_path, tmp_path / "store")
    process = place.start("run", *GRID, "--jobs", "2", start_new_session=True)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("results/*/*/*/*/*.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    survivors = place.records()
    assert 0 < len(survivors) < len(ROWS)

    done = place("run", *GRID, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert steady(place.records()) == steady(workplace.records())
    assert set(map(str, survivors)) <= set(map(str, place.records()))


def test_leaderboard_of_what_ran(workplace: Workplace):
    assert workplace("leaderboard", "--check").returncode == 1
    assert workplace("leaderboard").returncode == 0
    assert workplace("leaderboard", "--check").returncode == 0
    page = (workplace.folder / "leaderboard.md").read_text()
    assert all(f"| {row} " in page for row in ROWS)


def test_a_changed_parameter_is_a_row_of_its_own(workplace: Workplace):
    arguments = ("--method", "finetune", "--set", "finetune.epochs=1", "--results", "changed")
    done = workplace("run", *SMALL, *arguments)
    assert done.returncode == 0, done.stderr
    (record,) = workplace.records("changed")
    assert record.label == "finetune[epochs=1]"
    assert record.parameters["epochs"] == 1


@pytest.mark.parametrize("scenario", ["speaker:99", "hard:999", "sequential:9x99"])
def test_more_than_there_is_is_refused_before_anything_runs(workplace: Workplace, scenario: str):
    done = workplace("run", *SMALL, "--scenario", scenario, "--results", "refused")
    assert done.returncode == 2
    assert "Ask for at least 1 and at most" in done.stderr
    assert not (workplace.folder / "refused").exists()


def test_a_damaged_artefact_is_made_again(workplace: Workplace, tmp_path: Path):
    store = Path(workplace.environment["SER_UNLEARN_CACHE"])
    for path in store.glob("models/*/*.safetensors"):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    arguments = ("--method", "original", "--results", str(tmp_path / "results"), "--jobs", "1")
    done = workplace("run", *SMALL, *arguments)
    assert done.returncode == 0
    assert "is damaged (its checksum does not match); it is made again" in done.stderr
    (record,) = read_records(tmp_path / "results")
    expected = steady(workplace.records())
    assert steady([record])[str(record.path)] == expected[str(record.path)]


REQUESTS = ("hard:8", "sequential:2x4:1", "sequential:2x4:2")
ANSWERS = ("original", "retrain", "gradient_ascent")
SCENARIOS = (
    *SMALL,
    *("--scenario", "hard:8", "--scenario", "sequential:2x4"),
    *(word for row in ANSWERS for word in ("--method", row)),
)


@pytest.fixture(scope="module")
def scenarios(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace that had the corpus but no model when the scenarios ran."""
    place = Workplace(tmp_path_factory.mktemp("scenarios"), tmp_path_factory.mktemp("models"))
    source, target = (Path(each.environment["SER_UNLEARN_CACHE"]) for each in (workplace, place))
    for kind in ("corpora", "features", "speech", "waveforms"):
        shutil.copytree(source / kind, target / kind)
    done = place("run", *SCENARIOS, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    (place.folder / "progress.txt").write_text(done.stderr)
    return place


def stored(place: Workplace) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """The description and the table of every unlearned model in the store."""
    store = Path(place.environment["SER_UNLEARN_CACHE"])
    return [
        (json.loads(path.read_text()), pd.read_parquet(path.with_suffix(".parquet")))
        for path in store.glob("unlearned/*/*.json")
    ]


def names(table: pd.DataFrame, *sets: str) -> set[str]:
    """The utterances that stand in these sets of a table."""
    return set(table[table["set"].isin(sets)]["utterance"])


def test_every_request_leaves_a_record_of_every_row(scenarios: Workplace):
    records = scenarios.records()
    expected = {(scenario, row) for scenario in REQUESTS for row in ANSWERS}
    assert {(record.scenario, record.label) for record in records} == expected
    sizes = dict(zip(REQUESTS, [(8, None), (4, None), (4, 4)], strict=True))
    for record in records:
        assert (record.status, record.reason) == ("done", "")
        assert set(record.metrics) == set(METRICS)
        assert (record.sizes["forget"], record.sizes.get("forgotten")) == sizes[record.scenario]
        if record.label == "retrain":
            assert record.metrics["gap_to_retrain"] == 0


def test_originals_that_forget_sets_hang_on_are_trained_first(scenarios: Workplace):
    progress = (scenarios.folder / "progress.txt").read_text().splitlines()
    assert progress[0] == "[1/1] train espeak (model 0): done (the forget sets can be drawn)"
    # A model without each of the three forget sets, and three rows for each.
    assert [line.split()[0] for line in progress[1:]] == [f"[{n}/12]" for n in range(1, 13)]
    again = scenarios("run", *SCENARIOS)
    assert (again.returncode, again.stderr) == (0, "")


def test_hard_utterances_are_among_those_of_the_originals_highest_loss(scenarios: Workplace):
    (table,) = (
        table
        for description, table in stored(scenarios)
        if description["meta"]["costs"]["flops"] == 0 and len(names(table, "forget")) == 8
    )
    trained = table[table["set"].isin(["forget", "retain"])]
    assert names(table, "forget") < names(trained.nlargest(16, "loss"), "forget", "retain")


def test_a_request_goes_on_from_what_the_method_left_after_the_one_before(scenarios: Workplace):
    by_identity = {}
    for description, table in stored(scenarios):
        del description["identity"]["clean"]
        by_identity[json.dumps(description["identity"], sort_keys=True)] = table
    second = {
        json.dumps(before, sort_keys=True): table
        for identity, table in by_identity.items()
        if (before := json.loads(identity)["before"])
    }
    assert len(second) == len(ANSWERS)
    for before, table in second.items():
        first = by_identity[before]
        assert names(table, "forgotten") == names(first, "forget")
        assert names(table, "forgotten", "forget", "retain") == names(first, "forget", "retain")


def test_the_one_forget_set_of_an_emotion_is_no_further_evidence_under_another_seed(
    scenarios: Workplace,
):
    arguments = ("--scenario", "emotion:angry", "--method", "original", "--results", "emotion")
    done = scenarios("run", *SMALL[:-1], "2", *arguments, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    (record,) = scenarios.records("emotion")
    assert (record.status, record.seeds.forget) == ("done", 0)
    table = scenarios("table", "--results", "emotion", "--scenario", "emotion:angry")
    assert "scenario emotion:angry" in table.stdout


def test_the_table_of_a_sequence_shows_every_request(scenarios: Workplace):
    table = scenarios("table", "--scenario", "sequential:2x4").stdout
    titles = [line for line in table.splitlines() if "scenario" in line]
    assert [title.split()[-1] for title in titles] == list(REQUESTS[1:])


BROKEN = '''
from dataclasses import dataclass
import time
import torch
from ser_unlearn import Method, Recogniser, Task
from ser_unlearn.errors import UnsupportedError


@dataclass(frozen=True)
class Broken(Method):
    """Fail in the way that is asked for."""

    reference = "none"
    needs = frozenset({"forget"})
    variants = {
        "nan": {"how": "nan"},
        "late": {"how": "late"},
        "greedy": {"how": "greedy"},
        "unable": {"how": "unable"},
        "fine": {"how": "fine"},
    }

    how: str = "raise"

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        if self.how == "raise":
            raise RuntimeError("this cannot work")
        if self.how == "nan":
            for weight in model.parameters():
                weight.data.fill_(float("nan"))
        if self.how == "late":
            while True:
                time.sleep(0.01)
        if self.how == "greedy":
            len(task.retain)
        if self.how == "unable":
            raise UnsupportedError("no such task")
        return model
'''


@pytest.fixture
def checkout(tmp_path: Path, workplace: Workplace) -> Workplace:
    """A copy of the project, to which a test may add files."""
    copy_package(tmp_path)
    place = Workplace(tmp_path, Path(workplace.environment["SER_UNLEARN_CACHE"]))
    place.environment["PYTHONPATH"] = str(tmp_path)
    return place


def test_one_methods_failure_is_a_record_and_stops_no_other(checkout: Workplace):
    (checkout.folder / "ser_unlearn" / "methods" / "broken.py").write_text(BROKEN)
    (checkout.folder / "ser_unlearn" / "runner" / "suites" / "short.yaml").write_text(
        "{description: a short one, corpora: [espeak], recipes: [tiny], scenarios: ['random:16'], "
        "methods: [broken, broken-nan, broken-late, broken-greedy, broken-unable, broken-fine], "
        "model_seeds: 1, forget_seeds: 1, timeout_s: 20}"  # a busy machine imports slowly
    )
    done = checkout("run", "short", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    found = {record.label: (record.status, record.reason) for record in checkout.records()}
    assert found.pop("broken-fine") == ("done", "")
    assert found.pop("broken") == ("failed", "RuntimeError: this cannot work")
    assert found.pop("broken-late") == ("timeout", "stopped after 20 s")
    assert found.pop("broken-unable") == ("unsupported", "no such task")
    status, reason = found.pop("broken-nan")
    assert status == "failed"
    assert "is not finite" in reason
    status, reason = found.pop("broken-greedy")
    assert status == "failed"
    assert "'broken' touched the retain set, but does not declare it" in reason
    assert not found
    assert "broken-late on espeak, random:16: 1 of 1 not done; timeout" in done.stdout


def test_a_method_is_one_file(checkout: Workplace):
    readme = (ROOT / "README.md").read_text()
    section = readme.split("## Add a method")[1]
    code = section.split("```python\n")[1].split("```")[0]
    name = section.split("`methods/")[1].split(".py`")[0]
    (checkout.folder / "ser_unlearn" / "methods" / f"{name}.py").write_text(code)

    listed = checkout("list", "methods")
    assert name in listed.stdout
    done = checkout("run", *SMALL, "--method", name)
    assert done.returncode == 0, done.stderr
    (record,) = checkout.records()
    assert (record.label, record.status) == (name, "done")
    assert checkout("leaderboard").returncode == 0
    assert f"| {name} " in (checkout.folder / "leaderboard.md").read_text()
    assert json.loads(checkout("table", "--format", "json").stdout)[0]["method"] == name
