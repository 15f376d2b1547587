from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from toys import make_record

from ser_unlearn.report.leaderboard import is_current, make_leaderboard, write_leaderboard
from ser_unlearn.report.lines import BEST, EQUAL, UNTESTED, lines, marks, natural
from ser_unlearn.report.tables import COLUMNS, render
from ser_unlearn.results.records import write_record


def records_of(label: str, rates: list[float], **changes):
    return [
        make_record(
            label=label,
            method=label,
            seeds={"model": number, "forget": 0, "method": 0},
            metrics={"forgetting_rate": rate},
            **changes,
        )
        for number, rate in enumerate(rates)
    ]


def test_one_value_has_no_interval_and_none_no_mean():
    (line,) = lines(records_of("fade", [0.3]))
    (found,) = line.estimates(["forgetting_rate"])
    assert (found.mean, found.low, found.high) == (0.3, None, None)
    assert line.estimates(["no_such_metric"]) == [None]


def test_rows_are_methods_and_cells_mean_and_interval():
    text = render(records_of("fade", [0.5, 0.75, 1.0]), "terminal")
    (line,) = lines(records_of("fade", [0.5, 0.75, 1.0]))
    (found,) = line.estimates(["forgetting_rate"])
    assert f"75.0 ± {50 * (found.high - found.low):.1f}" in text
    assert all(word in text for column in COLUMNS for word in column.title.split())


def test_a_failure_is_left_out_of_the_mean_and_told_below():
    failed = make_record(
        status="failed",
        reason="FloatingPointError: NaN",
        seeds={"model": 9, "forget": 0, "method": 0},
    )
    text = render([*records_of("fade", [0.5]), failed], "terminal")
    assert "1 of 2" in text
    assert "50.0" in text
    assert text.splitlines()[-1].endswith("1 of 2 not done; failed: FloatingPointError: NaN")


def test_a_metric_without_a_value_is_a_dash():
    assert "–" in render([make_record(metrics={"speedup": None})], "terminal")


def test_csv_and_json_hold_every_metric_of_every_record():
    records = records_of("fade", [0.5, 0.75])
    rows = list(csv.DictReader(io.StringIO(render(records, "csv"))))
    assert [float(row["forgetting_rate"]) for row in rows] == [0.5, 0.75]
    assert [row["forgetting_rate"] for row in json.loads(render(records, "json"))] == [0.5, 0.75]


def test_latex_has_no_character_that_latex_lacks():
    text = render(records_of("gradient_ascent", [0.5, 0.75]), "latex")
    assert r"$\pm$" in text
    assert r"gradient\_ascent" in text
    assert text.isascii()


def test_scenarios_stand_in_the_order_of_their_numbers():
    assert sorted(["random:100", "random:16", "speaker:1"], key=natural) == [
        "random:16",
        "random:100",
        "speaker:1",
    ]
    found = lines([make_record(scenario="random:100"), make_record(scenario="random:16")])
    assert [line.scenario for line in found] == ["random:16", "random:100"]


def test_the_leaderboard_groups_by_need_and_ranks_by_gap(tmp_path: Path):
    for label, needs, gap in [
        ("far", ["forget"], 9.0),
        ("near", ["forget"], 1.0),
        ("reference", ["retain"], 0.0),
        ("other", ["retain"], 0.5),
        ("control", [], 5.0),
    ]:
        record = make_record(label=label, needs=needs, metrics={"gap_to_retrain": gap})
        write_record(tmp_path, record)
    text = make_leaderboard(tmp_path)
    positions = [
        text.index(part)
        for part in (
            "## emodb, recipe ecapa, scenario random:16",
            "**Controls**",
            "| control",
            "**From the forget set alone**",
            "| near",
            "| far",
            "Nearest to retraining: **near**; runs are too few for any claim.",
            "**From the retain set**",
            "| reference",
            "| other",
            "Nearest to retraining: **other**.",
        )
    ]
    assert positions == sorted(positions)
    assert "commit `aaaaaaaaaa`" in text


def test_the_leaderboard_is_current_until_a_record_changes(tmp_path: Path):
    results, page = tmp_path / "results", tmp_path / "leaderboard.md"
    write_record(results, make_record())
    assert not is_current(results, page)
    write_leaderboard(results, page)
    assert is_current(results, page)
    write_record(results, make_record(label="second"))
    assert not is_current(results, page)


def test_a_dirty_checkout_shows(tmp_path: Path):
    dirty = make_record().provenance.model_copy(update={"clean": False})
    write_record(tmp_path, make_record(provenance=dirty))
    assert "`aaaaaaaaaa` (changed)" in make_leaderboard(tmp_path)


def test_the_checkout_that_evaluated_anew_shows(tmp_path: Path):
    anew = {"version": "0.1.0", "commit": "b" * 40, "clean": True}
    write_record(tmp_path, make_record(evaluation=anew))
    assert "commit `aaaaaaaaaa`, `bbbbbbbbbb`;" in make_leaderboard(tmp_path)


def runs_of(label: str, gaps: dict[tuple[int, int], float], **changes):
    return [
        make_record(
            label=label,
            seeds={"model": model, "forget": forget, "method": 0},
            metrics={"gap_to_retrain": gap},
            **changes,
        )
        for (model, forget), gap in gaps.items()
    ]


CELLS = [(model, forget) for model in range(5) for forget in range(4)]


def gaps(base: float, spread: float = 0.1):
    return {
        (model, forget): base + spread * (model % 3) - spread * (forget % 2)
        for model, forget in CELLS
    }


def test_marks_name_the_best_and_its_equals():
    jitter = {cell: (-1) ** sum(cell) * 0.5 for cell in CELLS}
    records = [
        *runs_of("near", gaps(2.0)),
        *runs_of("alike", {cell: gap + jitter[cell] for cell, gap in gaps(2.01).items()}),
        *runs_of("far", gaps(9.0, 0.3)),
        *runs_of("retrain", dict.fromkeys(CELLS, 0.0)),
    ]
    assert marks(lines(records)) == {"near": BEST, "alike": EQUAL}


def test_a_lone_method_gets_no_mark():
    assert marks(lines(runs_of("near", gaps(2.0)))) == {}


def test_two_runs_are_no_claim():
    few = dict.fromkeys(CELLS[:2], 1.0)
    records = [*runs_of("near", few), *runs_of("far", dict.fromkeys(few, 9.0))]
    assert marks(lines(records)) == {"near": BEST, "far": UNTESTED}


@pytest.mark.parametrize(
    ("told", "cells"),
    [
        ([None, None], ("cannot tell", "–")),
        ([1.0, None], ("80.0", "1 of 1")),
        ([0.0, 1.0], ("80.0", "1 of 2")),
    ],
)
def test_where_no_attack_can_tell_the_table_says_so(told, cells):
    records = [
        make_record(
            seeds={"model": 0, "forget": number, "method": 0},
            metrics={"strongest_auc": 0.8, "told_from_retrained": value},
        )
        for number, value in enumerate(told)
    ]
    line = next(each for each in render(records, "github").splitlines() if "fade" in each)
    found = [each.strip() for each in line.strip("|").split("|")]
    assert (found[6], found[-2]) == cells


LASTING = {
    "worst_emotion_drop": 4.0,
    "worst_speaker_drop": 12.5,
    "worst_gender_drop": None,
    "forget_agreement": 0.75,
    "test_agreement": 0.875,
    "quantised_return": -1.5,
    "pruned_return": 6.25,
}


def test_the_second_table_stands_where_durability_was_measured(tmp_path: Path):
    without = make_record(metrics={**LASTING, "relearn_steps": None})
    assert "who bears the loss" not in render([without], "terminal")
    known = make_record(metrics={**LASTING, "relearn_steps": 8.0})
    for style in ("terminal", "github", "latex"):
        assert "scenario random:16: who bears the loss, and what lasts" in render([known], style)
    expected = ["4.0", "12.5", "–", "75.0", "87.5", "-1.5", "6.2", "8.0"]
    write_record(tmp_path, known)
    folded = make_leaderboard(tmp_path).split("<details>")[1].split("</details>")[0]
    row = next(line for line in folded.splitlines() if line.startswith("| fade"))
    assert [part.strip() for part in row.strip("|").split("|")] == ["fade", *expected]


def test_the_leaderboard_says_who_loses_least_of_those_that_forget(tmp_path: Path):
    for label, rate, drop in [("keeps", 0.5, 0.1), ("best", 0.95, 1.25), ("worse", 1.0, 9.0)]:
        metrics = {"forgetting_rate": rate, "test_accuracy_drop": drop}
        write_record(tmp_path, make_record(label=label, metrics=metrics))
    assert (
        "Of those that forget at least 92%, **best** loses the least test accuracy: 1.2 points."
        in make_leaderboard(tmp_path)
    )


def test_the_leaderboard_ranks_over_all_tables(tmp_path: Path):
    for scenario in ("random:16", "random:64"):
        for label, gap in [("near", 1.0), ("far", 5.0), ("middle", 3.0)]:
            record = make_record(label=label, scenario=scenario, metrics={"gap_to_retrain": gap})
            write_record(tmp_path, record)
    text = make_leaderboard(tmp_path).split("## Over all tables")[1]
    rows = [line.split() for line in text.splitlines() if line.startswith("| ")]
    assert [(row[1], row[-4], row[-2]) for row in rows[1:]] == [
        ("near", "1.0", "–"),
        ("middle", "2.0", "–"),
        ("far", "3.0", "–"),
    ]
    # q(0.05; 3) = 3.314: 3.314 / sqrt(2) * sqrt(3 * 4 / (6 * 2)).
    assert "Critical difference: 2.3." in text
