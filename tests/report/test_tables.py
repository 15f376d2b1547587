from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

from fields import in_order, leaderboard_of
from toys import make_record

from ser_unlearn.report.columns import COLUMNS, DISTANCE, FORGETTING
from ser_unlearn.report.leaderboard import is_current, write_leaderboard
from ser_unlearn.report.lines import lines, natural
from ser_unlearn.report.tables import matching, render
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


def test_a_cell_is_a_mean_and_its_interval():
    (line,) = lines(records_of("fade", [0.5, 0.75, 1.0]))
    found = line.interval("forgetting_rate", "share")
    assert FORGETTING.cell(line) == f"75.0 ({100 * found.low:.0f} to {100 * found.high:.0f})"
    text = render(records_of("fade", [0.5, 0.75, 1.0]), "terminal", None)
    assert FORGETTING.cell(line) in text
    assert all(word in text for column in COLUMNS for word in column.title.split())


def test_one_run_has_no_interval_and_an_unknown_metric_no_mean():
    (line,) = lines(records_of("fade", [0.3]))
    assert FORGETTING.cell(line) == "30.0"
    assert line.mean("no_such_metric") is None


def test_a_distance_is_a_geometric_mean():
    (line,) = lines(
        make_record(
            seeds={"model": run, "forget": run, "method": 0}, metrics={"distance": distance}
        )
        for run, distance in enumerate([1.0, 4.0])
    )
    assert DISTANCE.cell(line).startswith("2.00 (")


def test_an_interval_ends_where_the_metric_does():
    records = [
        make_record(
            seeds={"model": run, "forget": run, "method": 0}, metrics={"gap_to_retrain": gap}
        )
        for run, gap in enumerate([0.0, 0.0, 6.0])
    ]
    # 2 - 4.303 * 2 would be below 0, and 2 + 4.303 * 2 is 10.6.
    assert "2.0 (0 to 11)" in render(records, "terminal", None)


def test_repeats_inside_of_a_run_are_averaged_first():
    (line,) = lines(
        make_record(
            seeds={"model": run, "forget": run, "method": method},
            metrics={"forgetting_rate": rate},
        )
        for run, method, rate in [(0, 0, 0.0), (0, 1, 1.0), (1, 0, 1.0)]
    )
    assert line.mean("forgetting_rate") == 0.75
    assert len(line.runs("forgetting_rate")) == 2


def test_nothing_to_show_is_said():
    assert render([], "terminal") == "There are no records to show."


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
    assert r"gradient\_ascent" in text
    assert text.isascii()


def test_scenarios_stand_in_the_order_of_their_numbers():
    assert sorted(["random:100", "random:16", "speaker:1"], key=natural) == [
        "random:16",
        "random:100",
        "speaker:1",
    ]
    found = lines([make_record(scenario="random:100"), make_record(scenario="random:16")])
    assert [line.tables[0][2] for line in found] == ["random:16", "random:100"]


def test_the_leaderboard_ranks_by_distance_and_says_what_it_cannot_say(tmp_path: Path):
    for label, needs, distance in [
        ("far", ["forget"], 9.0),
        ("near", ["forget"], 1.0),
        ("control", [], 5.0),
    ]:
        write_record(
            tmp_path, make_record(label=label, needs=needs, metrics={"distance": distance})
        )
    text = leaderboard_of(tmp_path)
    assert in_order(
        text,
        (
            "There are no records of the suite `paper` yet",
            "From the forget set alone, near comes nearest to retraining",
            "| method, marks ",
            "## As if never heard",
            "No row is first",
            "No difference between rows can be seen beyond chance: there is one run.",
            "![Distance against price](figures/distance-against-price.svg)",
            "| near ",
            "| control ",
            "| far ",
            "<summary>emodb, recipe ecapa, scenario random:16</summary>",
            "Known of the recordings of emodb:",
            "<summary>How to read this page</summary>",
        ),
    )
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
    assert "`aaaaaaaaaa` (changed)" in leaderboard_of(tmp_path)


def test_the_checkout_that_evaluated_anew_shows(tmp_path: Path):
    anew = {"version": "0.1.0", "commit": "b" * 40, "clean": True}
    write_record(tmp_path, make_record(evaluation=anew))
    assert "commit `aaaaaaaaaa`, `bbbbbbbbbb`;" in leaderboard_of(tmp_path)


def test_old_and_failed_records_stand_in_the_table_too():
    failed = make_record(label="broken", status="failed", reason="no")
    bare = make_record(label="old", metrics={"distance": None})
    text = render([failed, bare, make_record()], "terminal")
    assert all(
        any(line.startswith(f"{label} ") for line in text.splitlines())
        for label in ("broken", "old", "fade")
    )


def test_what_the_unseen_share_with_the_forgotten_is_said():
    (line,) = lines([make_record()])
    assert matching([line]) == []

    def matched(emotion: float) -> str:
        metrics = {"match_speaker_share": 0.12, "match_emotion_share": emotion}
        known = replace(line.outcomes[0], metrics=metrics)
        (sentence,) = matching([replace(line, outcomes=(known,))])
        return sentence

    assert matched(1.0) == (
        "Attacks compare each forgotten utterance with unseen ones, of which 12% are of the same "
        "speaker and 100% have the same emotion."
    )
    assert matched(0.5).endswith("attacks may tell these, and not who was forgotten.")


def test_speed_ups_are_averaged_as_the_ratios_that_they_are():
    records = [
        make_record(seeds={"model": run, "forget": run, "method": 0}, metrics={"speedup": value})
        for run, value in enumerate([10.0, 40.0])
    ]
    (column,) = [each for each in COLUMNS if each.metric == "speedup"]
    assert column.mean(lines(records)[0]) == "20.0"


def test_in_how_many_runs_attacks_tell():
    records = [
        make_record(
            seeds={"model": run, "forget": run, "method": 0},
            metrics={"told_from_retrained": value},
        )
        for run, value in enumerate([0.0, 1.0, 1.0])
    ]
    assert "2 of 3" in render(records, "terminal")


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
    expected = ["4.0", "12.5", "–", "-1.5", "6.2", "8.0", "75.0", "87.5"]
    write_record(tmp_path, known)
    folded = leaderboard_of(tmp_path).split("### Who bears the loss")[1].split("</details>")[0]
    row = next(line for line in folded.splitlines() if line.startswith("| fade"))
    cells = [part.strip() for part in row.strip("|").split("|")]
    assert cells == ["fade", "forget", *expected]


def test_the_leaderboard_says_who_loses_least_of_those_that_forget(tmp_path: Path):
    for label, rate, drop in [("keeps", 0.5, 0.1), ("best", 0.95, 1.25), ("worse", 1.0, 9.0)]:
        metrics = {"forgetting_rate": rate, "test_accuracy_drop": drop}
        for run in range(3):
            seeds = {"model": run, "forget": run, "method": 0}
            write_record(tmp_path, make_record(label=label, seeds=seeds, metrics=metrics))
    section = leaderboard_of(tmp_path).split("## Wiped out")[1].split("</details>")[0]
    rows = [line.split()[1] for line in section.splitlines() if line.startswith("| ")]
    assert rows == ["method", "best", "worse"]
    assert (
        "First: best (needs forget; 0.05 of retraining's operations); it differs clearly from 1 of "
        "1 other rows." in section
    )


def test_the_leaderboard_ranks_over_all_tables_and_names_what_is_missing(tmp_path: Path):
    for scenario in ("random:16", "random:64"):
        for label, distance in [("near", 1.0), ("far", 4.0)]:
            record = make_record(label=label, scenario=scenario, metrics={"distance": distance})
            write_record(tmp_path, record)
    write_record(tmp_path, make_record(label="middle", metrics={"distance": 2.0}))
    text = leaderboard_of(tmp_path).split("## As if never heard")[1].split("</details>")[0]
    rows = [line.split()[1] for line in text.splitlines() if line.startswith("| ")]
    assert rows == ["method", "near", "middle", "far"]
    assert (
        "middle has no result in 1 of 2 tables (emodb, ecapa, random:64); it is ranked by how it "
        "compares in the others."
    ) in text
