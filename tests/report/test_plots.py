"""Charts: what they are drawn from, and what stands in them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fields import ROWS, field, write

from ser_unlearn.errors import UserError
from ser_unlearn.report.figures import write_figures
from ser_unlearn.report.lines import lines, over_tables
from ser_unlearn.report.plots.catalogue import PLOTS
from ser_unlearn.report.plots.curves import curves, strips
from ser_unlearn.report.plots.drawing import svg, themed_svg
from ser_unlearn.report.plots.points import cells, groups, needs_of, points
from ser_unlearn.report.plots.scatter import CHEAPEST, scatter
from ser_unlearn.report.plots.themes import DARK, LIGHT, PAPER, SCREEN
from ser_unlearn.report.sheets import sheets
from ser_unlearn.report.standings import UNHEARD

NASTY = "<img src=x onerror=alert(1)>&\"'[a](b)$x$"


def sheet_of(records):
    return sheets(over_tables(lines(records)))[0]


def texts(drawing):
    return [each.text for each in ElementTree.fromstring(drawing).iter() if each.text]


def drawn(theme, records, data=None):
    rows = points(sheet_of(records))
    return svg(scatter(theme, UNHEARD, needs_of(lines(records))), {"rows": rows, **(data or {})})


def test_points_are_the_rows_from_the_nearest_on():
    found = points(sheet_of(field()))
    assert [point["label"] for point in found] == [
        *("retrain", "scrub", "finetune", "npo", "ssd", "original", "gradient_ascent"),
    ]
    npo = found[3]
    assert npo["kind"] == "method"
    assert npo["ranked"]
    assert (npo["value"], npo["flops_ratio"], npo["told"], npo["known"]) == (
        npo["distance"],
        0.02,
        0,
        18,
    )
    assert npo["low"] < npo["value"] < npo["high"]
    assert {point["kind"] for point in found} == {"method", "original", "retraining"}
    assert not found[-1]["ranked"]


def test_the_nearest_of_each_need_is_named_and_no_name_covers_another():
    places = sorted(point["label_at"] for point in points(sheet_of(field())) if "label_at" in point)
    assert len(places) == 4
    # 6 % of the range from 1 to 5, on the scale on which it is drawn; four digits are kept.
    assert all(b / a > 5 ** (0.06 * 0.9) for a, b in pairwise(places))


def test_cells_are_the_means_of_each_table():
    found = cells(lines(field()), sheet_of(field()).columns[0], ["scrub", "npo"])
    assert [each["label"] for each in found] == ["scrub"] * 3 + ["npo"] * 3
    assert {each["table"] for each in found} == {
        *("ravdess random:16", "ravdess speaker:1", "ased random:64"),
    }
    assert all(1.0 < each["value"] < 1.8 for each in found)


def with_curves(records, **curves):
    """Records, of which those of some rows have one of these curves each."""
    left = {label: iter(each) for label, each in curves.items()}
    return [
        record.model_copy(update={"curve": next(left[record.label], [])})
        if record.label in left
        else record
        for record in records
    ]


def test_curves_are_means_over_runs_and_a_run_that_ended_keeps_its_last_look():
    short, long = [(0.1, 0.5)], [(0.1, 1.0), (0.3, 0.6), (0.5, 0.25)]
    found = curves(sheet_of(with_curves(field(), npo=[short, long])))
    assert found == [
        {"label": "npo", "look": 1, "price": 0.1, "accuracy": 0.75},
        {"label": "npo", "look": 2, "price": 0.2, "accuracy": 0.55},
        {"label": "npo", "look": 3, "price": 0.3, "accuracy": 0.375},
    ]
    assert curves(sheet_of(with_curves(field(), npo=[]))) == []


def test_looks_are_drawn_and_those_that_cost_nothing_left_out():
    rows = [
        {"label": "npo", "look": look, "price": price, "accuracy": 0.5}
        for look, price in enumerate((0.0, 0.1, 0.2))
    ]
    drawing = svg(strips(PAPER), {"curves": rows})
    assert "npo" in texts(drawing)
    assert drawing.count('aria-roledescription="point"') == 2


def test_bars_join_what_cannot_be_told_apart():
    twins = [*ROWS, ("twin", ("forget",), 1.5, 0.02, 2.0, 0.0)]
    found = groups(sheet_of(field(twins)))
    assert [(each["size"], {each["label"], each["last"]}) for each in found] == [
        (2, {"npo", "twin"})
    ]


def test_a_drawing_shows_labels_as_text():
    rows = [*ROWS[:2], (NASTY.replace("/", ""), ("forget",), 1.5, 0.02, 2.0, 0.0)]
    drawing = drawn(PAPER, field(rows))
    assert "<img" not in drawing
    assert NASTY in texts(drawing)


def test_the_lines_are_said():
    found = texts(drawn(PAPER, field()))
    assert {"original", "retraining", "price: share of retraining's operations"} <= set(found)


def test_what_costs_nothing_stands_at_the_cheapest_price():
    rows = [*ROWS[:3], ("free", ("forget",), 1.2, 0.0, 0.0, 0.0)]
    found = texts(drawn(PAPER, field(rows)))
    assert "free" in found
    assert f"{CHEAPEST}" in found


def test_a_drawing_is_the_same_each_time_and_knows_light_and_dark():
    data = {"rows": points(sheet_of(field()))}
    spec = scatter(SCREEN, UNHEARD, needs_of(lines(field()))) | {"width": 400}
    drawing = themed_svg(spec, data)
    assert drawing == themed_svg(spec, data)
    assert "prefers-color-scheme:dark" in drawing
    used = {part.split(")")[0] for part in drawing.split("var(--")[1:]}
    assert used <= set(LIGHT) == set(DARK)
    ElementTree.fromstring(drawing)


def test_figures_are_written_as_svg_and_pdf(tmp_path: Path):
    write(tmp_path / "results", field())
    written = write_figures(tmp_path / "results", tmp_path / "figures")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(
        path.name for path in written
    )
    first = [path.name for path in written if "as-if-never-heard" in path.name]
    assert first == [
        f"{plot.name}-as-if-never-heard.{kind}" for plot in PLOTS for kind in ("svg", "pdf")
    ]
    for path in written:
        assert path.read_bytes().startswith(b"%PDF-" if path.suffix == ".pdf" else b"<svg ")
    assert "LiberationSans" in written[1].read_bytes().decode("latin-1")


def test_a_figure_fits_a_column_of_a_paper():
    root = ElementTree.fromstring(drawn(PAPER, field()))
    # 3.5 inches of 96 pixels.
    assert float(root.get("width")) <= 336


def test_nothing_is_drawn_of_nothing(tmp_path: Path):
    with pytest.raises(UserError, match="Run something first"):
        write_figures(tmp_path, tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
