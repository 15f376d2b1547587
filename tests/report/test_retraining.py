"""The spread of retraining: how far models retrained with other seeds are from each other."""

from __future__ import annotations

import pytest
from toys import make_record

from ser_unlearn.report.comparison import Cell
from ser_unlearn.report.lines import lines, yardstick
from ser_unlearn.report.outcomes import outcome_of
from ser_unlearn.report.retraining import gaps_of_retraining
from ser_unlearn.report.tables import render, within_of
from ser_unlearn.results.records import Record

NAMES = ("forget_accuracy", "retain_accuracy", "test_accuracy", "mia_accuracy")


def record(
    label: str,
    seeds: tuple[int, int],
    behaviour: tuple[float, float, float, float] = (0.5, 1.0, 0.5, 0.5),
    divergence: float = 0.0,
    gap: float = 0.0,
    scenario: str = "random:16",
) -> Record:
    values = dict(zip(NAMES, behaviour, strict=True))
    return make_record(
        label=label,
        scenario=scenario,
        seeds={"model": seeds[0], "forget": seeds[1], "method": 0},
        metrics={**values, "output_divergence": divergence, "gap_to_retrain": gap},
    )


def cell(model: int, forget: int) -> Cell:
    return Cell("emodb", "ecapa", "random:16", model, forget, 0)


RETRAINED = [
    record("anew", (0, 0), (0.50, 1.0, 0.50, 0.50)),
    record("anew", (1, 0), (0.60, 1.0, 0.54, 0.50)),
    record("anew", (2, 0), (0.50, 0.9, 0.40, 0.70)),
    record("anew", (0, 1), (0.10, 1.0, 0.50, 0.50)),
]


def test_the_gaps_are_those_to_models_of_other_seeds_without_the_same_forget_set():
    found = gaps_of_retraining(map(outcome_of, RETRAINED))
    # In points: (10 + 0 + 4 + 0) / 4, (0 + 10 + 10 + 20) / 4 and (10 + 10 + 14 + 20) / 4.
    # Sums of a few differences of numbers up to 100: rounding is far below 1e-9.
    assert found == {
        cell(0, 0): pytest.approx([3.5, 10.0], abs=1e-9),
        cell(1, 0): pytest.approx([3.5, 13.5], abs=1e-9),
        cell(2, 0): pytest.approx([10.0, 13.5], abs=1e-9),
    }


def test_a_method_whose_outputs_differ_once_is_not_retraining():
    wavers = [record("wavers", (model, 0), divergence=0.1 * model) for model in range(3)]
    assert gaps_of_retraining(map(outcome_of, wavers)) == {}


def test_forget_sets_that_hang_on_the_model_are_not_compared():
    hard = [record("anew", (model, 0), scenario="hard:16") for model in range(3)]
    assert gaps_of_retraining(map(outcome_of, hard)) == {}


def test_a_retraining_that_failed_does_not_hide_the_others():
    failed = make_record(
        label="anew", status="timeout", seeds={"model": 3, "forget": 0, "method": 0}
    ).model_copy(update={"metrics": {}})
    assert gaps_of_retraining(map(outcome_of, [failed, *RETRAINED])) == gaps_of_retraining(
        map(outcome_of, RETRAINED)
    )


def test_within_counts_the_runs_that_are_no_further_than_another_seed():
    method = [
        record("near", (model, 0), divergence=0.1, gap=gap)
        for model, gap in enumerate([9.9, 13.6, 2.0])
    ]
    # The retrained model of the second forget set has no other seed beside it.
    method.append(record("near", (0, 1), divergence=0.1))
    reference, near = lines([*method, *RETRAINED])
    assert (near.label, near.within) == ("near", (2, 3))  # 13.6 > 13.5
    assert reference.within == (3, 3)
    assert within_of([near, reference]) == "5 of 6"


def test_the_table_says_how_wide_the_yardstick_is():
    sentence = (
        "Models retrained with other seeds are themselves 9.0 points from the retrained model "
        "(3.5 to 13.5)."
    )
    assert yardstick(lines(RETRAINED)) == [sentence]
    assert sentence in render(RETRAINED, "terminal")
    assert yardstick(lines(RETRAINED[:1])) == []
    assert lines(RETRAINED[:1])[0].within == (0, 0)
