from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest
from scipy import stats
from toys import make_record

from bench.leaderboard import is_current, make_leaderboard, write_leaderboard
from bench.records import write_record
from bench.tables import COLUMNS, estimate, lines, natural, render


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


def test_the_interval_is_students():
    values = [0.2, 0.4, 0.9]
    found = estimate(values)
    assert found is not None
    # Mean 0.5; deviations -0.3, -0.1, 0.4: variance 0.26 / 2; t(0.975, 2) = 4.302653.
    assert found.mean == pytest.approx(0.5)
    assert found.half_width == pytest.approx(4.302653 * math.sqrt(0.13 / 3), rel=1e-6)
    low, high = stats.t.interval(0.95, 2, loc=0.5, scale=stats.sem(values))
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(
        (low, high), rel=1e-9
    )


def test_one_value_has_no_interval_and_none_no_mean():
    one = estimate([0.3])
    assert one is not None
    assert (one.mean, one.half_width) == (0.3, None)
    assert estimate([]) is None


def test_rows_are_methods_and_cells_mean_and_interval():
    text = render(records_of("fade", [0.5, 0.75, 1.0]), "terminal")
    # Mean 0.75, variance 0.0625: 4.302653 * sqrt(0.0625 / 3) = 0.6210, in percent.
    assert "75.0 ± 62.1" in text
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
            "Nearest to retraining: **near**.",
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
