"""Who wins a table, what bars a row from winning, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from toys import make_record

from ser_unlearn.report.lines import lines, over_tables
from ser_unlearn.report.sentences import conclusions
from ser_unlearn.report.standings import UNHEARD, WIPED_OUT, standings

RUNS = 6
SPREAD = 0.02 * np.random.default_rng(0).normal(size=(20, RUNS))
NOISE = np.exp(SPREAD - SPREAD.mean(axis=1, keepdims=True))
"""Of distances, with geometric mean 1: two rows differ by 3 % from run to run."""


def records_of(label, distance, *, needs=("forget",), runs=RUNS, scenario="random:16", **metrics):
    """A record for each run of a row, whose distance varies a little."""
    noise = NOISE[sum(map(ord, label)) % len(NOISE)]
    return [
        make_record(
            label=label,
            method=label,
            needs=list(needs),
            scenario=scenario,
            seeds={"model": run, "forget": run, "method": 0},
            metrics={
                "distance": distance * noise[run],
                "divergence_original": 0.1,
                "told_from_retrained": 0.0,
                "flops_ratio": 0.2,
                **metrics,
            },
        )
        for run in range(runs)
    ]


def controls(**changes):
    return [
        *records_of("original", 3.0, needs=(), divergence_original=0.0, flops_ratio=0.0, **changes),
        *records_of("retrain", 1.0, needs=("retain",), flops_ratio=1.0, **changes),
    ]


def ranked(records, discipline=UNHEARD):
    found = standings(lines(records), discipline)
    return {line.label: ", ".join(found.marks(line)) for line in found.rows}


def test_the_nearest_to_retraining_is_first_and_told_from_the_rest():
    found = ranked([*controls(), *records_of("near", 1.3), *records_of("far", 2.0)])
    assert found == {"near": "*", "far": "", "retrain": "", "original": ""}


def test_what_cannot_be_told_from_the_first_is_marked():
    found = ranked([*controls(), *records_of("near", 1.3), *records_of("next", 1.301)])
    assert found["near"] == "*"
    assert found["next"] == "="


def failing(records, kept):
    """The same, with all but the first few runs failed."""
    return [
        *records[:kept],
        *(
            each.model_copy(update={"status": "failed", "reason": "no", "metrics": {}})
            for each in records[kept:]
        ),
    ]


@pytest.mark.parametrize("discipline", [UNHEARD, WIPED_OUT])
def test_a_row_that_fails_where_it_would_do_badly_is_not_first(discipline):
    metrics = {"forgetting_rate": 1.0}
    rows = [
        *controls(),
        *records_of("steady", 1.5, test_accuracy_drop=5.0, **metrics),
        *failing(records_of("lucky", 1.2, test_accuracy_drop=0.0, **metrics), 5),
    ]
    found = ranked(rows, discipline)
    assert found["steady"] == "*"
    assert found["lucky"] == "incomplete"


def test_what_cannot_serve_a_request_is_not_incomplete():
    rows = records_of("able", 1.2)
    unable = rows[-1].model_copy(update={"status": "unsupported", "metrics": {}})
    assert ranked([*controls(), *rows[:-1], unable])["able"] == "*"


def test_too_few_originals_do_not_win_what_is_wiped_out():
    rows = records_of("few", 1.2, runs=2, forgetting_rate=1.0, test_accuracy_drop=0.0)
    assert ranked([*controls(), *rows], WIPED_OUT)["few"] == "?"


def test_a_model_that_was_brought_is_one_original_in_all_runs():
    rows = [*controls(), *records_of("near", 1.2)]
    brought = [each.model_copy(update={"checkpoint": "ab" * 32}) for each in rows]
    assert ranked(brought)["near"] == "?"
    said = conclusions(standings(lines(brought), UNHEARD))
    assert any("all 6 runs are of one model" in sentence for sentence in said)


def test_those_that_compete_for_nothing_are_no_rivals_of_the_first():
    rows = [*controls(test_accuracy_drop=0.0), *records_of("near", 1.2)]
    assert set(standings(lines(rows), UNHEARD).rivals) == set()


def test_each_need_has_a_first():
    rows = [
        *controls(),
        *records_of("near", 1.2),
        *records_of("second", 1.5),
        *records_of("mixed", 1.8, needs=("forget", "retain")),
    ]
    assert ranked(rows) == {
        "near": "*",
        "second": "",
        "mixed": "+",
        "retrain": "",
        "original": "",
    }
    sentences = conclusions(standings(lines(rows), UNHEARD))
    assert sentences[:2] == [
        "First: near (needs forget; 0.2 of retraining's operations); it differs "
        "clearly from 2 of 2 other rows.",
        "First of those that need forget, retain: mixed (0.2 of retraining's operations).",
    ]


@pytest.mark.parametrize(
    ("distance", "metrics", "mark"),
    [
        (1.1, {"told_from_retrained": 1.0}, "told"),
        (1.1, {"flops_ratio": 1.2}, "dear"),
        (1.1, {"divergence_original": 1e-8}, "unchanged"),
        (3.0, {}, "like original"),
        (4.0, {}, "worse"),
        (4.0, {"told_from_retrained": 1.0, "flops_ratio": 1.2}, "told, worse, dear"),
    ],
)
def test_what_bars_a_row_stands_beside_it(distance, metrics, mark):
    found = ranked([*controls(), *records_of("near", 1.6), *records_of("odd", distance, **metrics)])
    assert found["near"] == "*"
    assert found["odd"] == mark


def test_half_of_the_runs_are_not_most():
    odd = records_of("odd", 1.1)
    for record in odd[:3]:
        record.metrics["told_from_retrained"] = 1.0
    assert ranked([*controls(), *odd])["odd"] == "*"


def test_controls_and_retraining_win_nothing_but_stand_there():
    found = standings(lines([*controls(), *records_of("far", 4.0)]), UNHEARD)
    assert found.ranked == ()
    assert [line.label for line in found.rows] == ["retrain", "original", "far"]
    assert conclusions(found)[0] == "No row is first: beside each stands what bars it."


def test_where_no_row_is_first_it_is_said_what_the_one_in_front_differs_from():
    rows = [
        *controls(),
        *records_of("far", 4.0),
        *records_of("also", 4.01),
        *records_of("worst", 8),
    ]
    found = standings(lines(rows), UNHEARD)
    assert found.ranked == ()
    assert conclusions(found)[:2] == [
        "No row is first: beside each stands what bars it.",
        "In front of them stands far; it differs clearly from 1 of 2 other rows.",
    ]


def test_without_a_row_to_rank_there_are_no_standings():
    assert standings(lines(controls()), UNHEARD) is None
    assert standings([], UNHEARD) is None


def test_only_what_forgets_is_ranked_by_what_is_lost():
    rows = [
        *controls(forgetting_rate=0.1, test_accuracy_drop=0.0),
        *records_of("keeps", 1.2, forgetting_rate=0.9, test_accuracy_drop=0.1),
        *records_of("dear", 1.2, forgetting_rate=1.0, test_accuracy_drop=0.5, flops_ratio=2.0),
        # Told from retraining and like the original, which is no matter here.
        *records_of("wipes", 3.0, forgetting_rate=0.95, test_accuracy_drop=1.0)[:4],
        *records_of("breaks", 9.0, forgetting_rate=1.0, test_accuracy_drop=30.0),
    ]
    found = standings(lines(rows), WIPED_OUT)
    assert [line.label for line in found.ranked] == ["wipes", "breaks"]
    assert {line.label for line in found.others} == {"dear", "original", "retrain"}
    assert found.marks(found.others[-1]) in (["dear"], [])


def test_too_few_runs_are_no_claim():
    rows = [
        record
        for record in [*controls(), *records_of("near", 1.3), *records_of("far", 9.0)]
        if record.seeds.model < 2
    ]
    found = standings(lines(rows), UNHEARD)
    assert [found.marks(line) for line in found.rows if line.needs == ("forget",)] == [["?"]] * 2
    assert conclusions(found) == [
        "No row is first: beside each stands what bars it.",
        "No difference between rows can be seen beyond chance: 2 models are too few: it takes 3.",
    ]


def test_without_the_original_nothing_is_told_from_it():
    assert ranked([*records_of("near", 1.3), *records_of("far", 2.0)]) == {"near": "?", "far": "?"}


def test_what_difference_can_be_told_is_said():
    found = standings(lines([*controls(), *records_of("near", 1.3)]), UNHEARD)
    sentence = conclusions(found)[-1]
    detectable = found.contest.detectable()
    assert sentence == (
        f"With these runs, a factor of {np.exp(detectable):.2f} between two rows is seen in about "
        "four cases of five, and a smaller one less often."
    )
    # Differences of logarithms vary by 0.03: three standard errors of six runs are 0.035.
    assert 0.01 < detectable < 0.2


def test_over_tables_runs_of_one_original_are_one_and_gaps_cost_no_rank():
    scenarios = ("random:16", "random:64")
    rows = []
    for factor, scenario in zip((1.0, 2.0), scenarios, strict=True):
        rows += [
            record.model_copy(
                update={
                    "scenario": scenario,
                    "metrics": {
                        **record.metrics,
                        "distance": record.metrics["distance"] * factor,
                    },
                }
            )
            for record in [*controls(), *records_of("near", 1.2), *records_of("far", 2.0)]
        ]
    # Only in the table in which all distances are small: its mean is the smallest, its rank not.
    rows += records_of("partial", 1.6)
    found = standings(over_tables(lines(rows)), UNHEARD)
    assert [line.label for line in found.ranked] == ["near", "partial", "far"]
    near, partial, _ = found.ranked
    assert partial.mean("distance", "factor") < near.mean("distance", "factor")
    assert found.rivals["far"].runs == 12
    assert found.rivals["partial"].runs == 6
