"""The whole way, in a process of its own, on a corpus that is small enough for every day."""

from __future__ import annotations

from pathlib import Path

from small import Copy, grid

from ser_unlearn.evaluation.metrics import METRICS


def test_recordings_go_in_and_a_record_and_a_table_come_out(tmp_path: Path):
    copy = Copy(tmp_path)
    done = copy(*grid("gradient_ascent"), "--jobs", "1")
    assert done.returncode == 0, done.stderr
    (record,) = copy.records().values()
    assert (record["label"], record["status"]) == ("gradient_ascent", "done")
    assert set(record["metrics"]) == set(METRICS)
    assert record["sizes"]["forget"] == 4
    assert "small, recipe tiny, scenario random:4" in done.stdout
    assert any(line.startswith("gradient_ascent ") for line in done.stdout.splitlines())
