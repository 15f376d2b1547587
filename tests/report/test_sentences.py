"""What is said above, below and beside a table."""

from __future__ import annotations

import pytest
from fields import ROWS, field

from ser_unlearn.report.columns import COLUMNS
from ser_unlearn.report.lines import lines, over_tables
from ser_unlearn.report.remarks import caveats
from ser_unlearn.report.sentences import answers, conclusions
from ser_unlearn.report.standings import UNHEARD, standings

HERE = (("ravdess", "random:16"),)


def overall(records):
    return over_tables(lines(records))


def said(rows):
    return answers(standings(rows, UNHEARD))


def test_the_answers_say_distance_price_loss_attacks_and_what_doing_nothing_is():
    forget, retain, both = said(overall(field()))
    assert forget.startswith("From the forget set alone, npo comes nearest to retraining: distance")
    assert (
        "0.02 of retraining's operations, 2.0 points of test accuracy lost; attacks tell it from "
        "retraining in 0 of 18 runs; that is nearer than doing nothing ("
    ) in forget
    assert retain.startswith("From the retain set alone, finetune comes nearest")
    assert both.startswith("From forget and retain set, scrub comes nearest")


@pytest.mark.parametrize(
    ("distance", "end"),
    [
        (3.0, "its runs show no difference from doing nothing ("),
        (6.0, "that is farther than doing nothing ("),
    ],
)
def test_who_is_no_better_than_the_original_is_said_to_be(distance, end):
    rows = [*ROWS[:2], ("npo", ("forget",), distance, 0.02, 2.0, 0.0)]
    (sentence,) = said(overall(field(rows, HERE)))
    assert end in sentence


def test_a_barred_row_answers_only_where_no_other_may():
    rows = [*ROWS[:2], ("near", ("forget",), 1.2, 0.1, 1.0, 1.0)]
    (sentence,) = said(overall(field(rows, HERE)))
    assert "near comes nearest" in sentence
    assert "attacks tell it from retraining in 6 of 6 runs" in sentence
    (sentence,) = said(overall(field([*rows, ("far", ("forget",), 2.0, 0.1, 1, 0.0)], HERE)))
    assert "far comes nearest" in sentence


def test_what_attacks_tell_answers_only_where_nothing_else_is_like_the_original():
    rows = [
        *ROWS[:2],
        ("near", ("forget",), 2.9, 0.1, 1.0, 1.0),
        ("alike", ("forget",), 3.0, 0.1, 1.0, 0.0),
        ("worse", ("forget",), 6.0, 0.1, 1.0, 0.0),
    ]
    (sentence,) = said(overall(field(rows, HERE)))
    assert "alike comes nearest" in sentence
    assert sentence.endswith("; near is nearer (2.82), but attacks tell it from retraining.")
    (sentence,) = said(overall(field([*rows[:3], rows[4]], HERE)))
    assert "near comes nearest" in sentence
    assert sentence.endswith("that is nearer than doing nothing (3.01).")


def test_of_a_nearer_row_only_that_is_said_which_the_answer_has_not():
    rows = [
        *ROWS[:2],
        ("near", ("forget",), 2.9, 0.1, 1, 1.0),
        ("far", ("forget",), 2.0, 0.1, 1, 0),
    ]
    records = field(rows, HERE)
    # As near as can be, but from run to run another.
    near = [each for each in records if each.label == "near"]
    for number, each in enumerate(near):
        each.metrics["distance"] = 0.2 if number % 2 else 12.0
    (sentence,) = said(overall(records))
    assert "far comes nearest" in sentence
    assert sentence.endswith(
        "but attacks tell it from retraining and its runs show no difference from doing nothing."
    )


def test_without_the_original_it_is_not_known_whether_doing_nothing_is_better():
    (sentence,) = said(overall(field(ROWS[2:4], HERE)))
    assert sentence.endswith("is not known, for the original is missing.")


@pytest.mark.parametrize(
    ("ratio", "loss", "said_of_it"),
    [
        (0.053, 1.0, "0.053 of retraining's operations, 1.0 points of test accuracy lost"),
        (1.0, 0.0, "1.0 times retraining's operations, 0.0 points of test accuracy lost"),
        (123.44, -0.5, "123.4 times retraining's operations, 0.5 points of test accuracy gained"),
    ],
)
def test_what_is_dear_or_gains_is_said_in_words(ratio, loss, said_of_it):
    rows = [*ROWS[:2], ("npo", ("forget",), 2.0, ratio, loss, 0.0)]
    (sentence,) = said(overall(field(rows, HERE)))
    assert said_of_it in sentence


def of_one_model(records):
    """The same records, as if all runs had the model of the first."""
    return [
        record.model_copy(update={"seeds": record.seeds.model_copy(update={"model": 0})})
        for record in records
    ]


def test_why_a_mark_is_missing_is_said():
    rows = overall(of_one_model(field(tables=HERE)))
    found = standings(rows, UNHEARD)
    assert "?" in found.marks(next(line for line in rows if line.label == "npo"))
    sentences = conclusions(found)
    assert (
        "No difference between rows can be seen beyond chance: all 6 runs are of one model."
        in sentences
    )
    (forget, *_) = said(rows)
    assert forget.endswith("cannot be said (all 6 runs are of one model).")


def test_a_row_without_enough_runs_is_named_with_the_reason():
    late = [record for record in field(tables=HERE) if record.seeds.model < 1]
    late = [record for record in late if record.label == "scrub"]
    others = [record for record in field(tables=HERE) if record.label != "scrub"]
    sentences = conclusions(standings(overall([*others, *late]), UNHEARD))
    assert "? beside scrub: there is one run." in sentences


def changed(records, **metrics):
    for record in records:
        record.metrics.update(metrics)
    return records


def test_runs_whose_original_fails_mean_nothing():
    # 0.3 is what is left of 0.4 once a quarter is gone.
    failing = changed(field(tables=HERE), forget_accuracy=0.3, relative_forgetting=0.25)
    assert caveats(lines(failing)) == [
        "In 6 of 6 runs the original itself fails on most of the forget set: what these runs say "
        "of forgetting means nothing."
    ]
    knowing = changed(field(tables=HERE), forget_accuracy=0.45, relative_forgetting=0.25)
    assert caveats(lines(knowing)) == []


@pytest.mark.parametrize(("forgotten", "count"), [(15, 1), (16, 0)])
def test_runs_that_forget_few_utterances_mean_nothing(forgotten, count):
    sizes = {"forget": forgotten, "retain": 9, "validation": 9, "heldout": 9, "test": 9}
    found = caveats(lines(field(tables=HERE, sizes=sizes)))
    assert [each.startswith("In 6 of 6 runs fewer than 16 utterances") for each in found] == [
        True
    ] * count


def test_a_speed_up_of_no_time_is_instant():
    (speedup,) = (column for column in COLUMNS if column.metric == "speedup")
    shown = {line.label: speedup.cell(line) for line in overall(field())}
    assert shown["ssd"] == "instant"
    assert shown["scrub"] == "20.0"
