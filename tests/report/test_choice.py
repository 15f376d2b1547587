"""The leaderboard's choice of a method for the data that there is."""

from __future__ import annotations

import pytest
from toys import make_record

from ser_unlearn.errors import UserError
from ser_unlearn.report.choice import best
from ser_unlearn.results.records import write_record


@pytest.fixture
def write(tmp_path):
    """A function: write six runs of a row, whose distances differ a little from run to run."""

    def write(label, distance, needs, **metrics):
        for run in range(6):
            record = make_record(
                label=label,
                method=label,
                needs=list(needs),
                seeds={"model": run, "forget": run, "method": 0},
                metrics={
                    "distance": distance * (1 + 0.01 * ((run * len(label)) % 5)),
                    "divergence_original": 0.1,
                    "told_from_retrained": 0.0,
                    "flops_ratio": 0.2,
                    "forgetting_rate": 0.5,
                    "test_accuracy_drop": distance,
                    **metrics,
                },
            )
            write_record(tmp_path, record)

    write("original", 3.0, (), divergence_original=0.0, flops_ratio=0.0)
    write("retrain", 1.0, ("retain",), flops_ratio=1.0)
    return write


KNOWN = {"both", "alone", "wiping", "original", "retrain"}


def test_the_first_that_needs_no_more_than_there_is_is_chosen(write, tmp_path):
    write("both", 1.2, ("forget", "retain"))
    write("alone", 1.5, ("forget",))
    assert best(tmp_path, {"forget", "retain"}, KNOWN).label == "both"
    found = best(tmp_path, {"forget"}, KNOWN)
    assert found.label == "alone"
    assert found.aim == "as if never heard"
    assert "comes nearest to retraining on the leaderboard, over 1 table." in found.reason
    # A row that cannot be run here, such as one of changed parameters, is passed over.
    assert best(tmp_path, {"forget", "retain"}, {"alone"}).label == "alone"


def test_where_nothing_is_first_the_nearest_that_is_not_told_is_chosen(write, tmp_path):
    write("alone", 3.01, ("forget",))
    write("wiping", 2.9, ("forget",), forgetting_rate=1.0, told_from_retrained=1.0)
    found = best(tmp_path, {"forget"}, KNOWN)
    assert (found.label, found.aim) == ("alone", "as if never heard")
    assert found.reason.endswith("over 1 table, marked *like original*.")


def test_where_nothing_is_as_if_never_heard_what_wipes_out_is_chosen(write, tmp_path):
    write("alone", 9.0, ("forget",))  # farther from retraining than the original
    write("wiping", 8.0, ("forget",), forgetting_rate=1.0)
    found = best(tmp_path, {"forget"}, KNOWN)
    assert (found.label, found.aim) == ("wiping", "wiped out")


def test_without_any_a_name_is_asked_for(write, tmp_path):
    write("both", 1.2, ("forget", "retain"))
    with pytest.raises(UserError, match="rank no method that needs only forget"):
        best(tmp_path, {"forget"}, KNOWN)
    with pytest.raises(UserError, match="--method NAME"):
        best(tmp_path / "nothing", {"forget"}, KNOWN)
