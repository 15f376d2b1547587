"""The page in a browser: sorted, filtered, opened, downloaded, by keyboard, without a request."""

from __future__ import annotations

import csv
import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import browser
from fields import ROWS, field

from ser_unlearn.report.page.assemble import make_page
from ser_unlearn.results.records import Record

pytestmark = pytest.mark.slow

NASTY = "<img src=x onerror=document.title='hit'>"
OWN = field([("npo[steps=9]", ("forget",), 1.1, 0.01, 0.0, 0.0)])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    rows = [*ROWS, (NASTY, ("forget",), 2.5, 0.1, 3.0, 0.0)]
    path.write_text(make_page([*field(rows), *OWN]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromium(page: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("browser")
    with browser(folder) as driver:
        driver.folder = folder
        yield driver


@pytest.fixture
def seen(chromium: Any, page: Path):
    """The page, as it is when it is opened; after the test it has said and asked nothing."""
    chromium.get(page.as_uri())
    yield chromium
    complaints = [entry["message"] for entry in chromium.get_log("browser")]
    assert complaints == []
    asked = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    addresses = {
        each["params"]["request"]["url"]
        for each in asked
        if each["method"] == "Network.requestWillBeSent"
        # The browser's own pages ask for more.
        and each["params"]["documentURL"] == page.as_uri()
    }
    assert {each for each in addresses if not each.startswith(("data:", "blob:"))} == {
        page.as_uri()
    }


def wait(condition: Callable[[], Any]) -> Any:
    """What a condition gives once it holds; two busy cores may take a while."""
    for _ in range(200):
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in ten seconds")


def find(driver: Any, selector: str) -> list[Any]:
    return driver.find_elements("css selector", selector)


def labels(driver: Any) -> list[str]:
    return [each.text for each in find(driver, "#table > tbody > tr > th button")]


def choose(driver: Any, name: str, value: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(find(driver, f"#{name}")[0]).select_by_visible_text(value)


def test_the_first_screen_answers(seen):
    first = find(seen, "#answers li")[0]
    assert first.text.startswith("From the forget set alone, npo comes nearest to retraining")
    assert first.rect["y"] + first.rect["height"] < 900
    assert find(seen, "#table")[0].rect["y"] < 900


def test_rows_are_sorted_by_a_click_and_turned_by_another(seen):
    assert labels(seen)[:3] == ["retrain", "scrub", "finetune"]
    for order in ("ascending", "descending"):
        find(seen, "#sort-flops_ratio")[0].click()
        (head,) = find(seen, "th[aria-sort]")
        assert head.get_attribute("aria-sort") == order
        assert (labels(seen)[0] == "retrain") == (order == "descending")


def test_rows_are_filtered_by_need_and_by_name(seen):
    for box in find(seen, "#needs input"):
        if box.find_element("xpath", "..").text != "forget":
            box.click()
    assert labels(seen) == ["npo", NASTY, "gradient_ascent"]
    find(seen, "#words")[0].send_keys("GRAD")
    assert labels(seen) == ["gradient_ascent"]
    find(seen, "#words")[0].send_keys("x")
    assert find(seen, "#count")[0].text == "No row is left: choose more."


def test_corpus_scenario_and_aim_are_chosen(seen):
    choose(seen, "corpus", "ravdess")
    choose(seen, "scenario", "speaker:1")
    told = find(seen, "#table > tbody > tr > td:nth-of-type(2)")[0]
    assert told.text == "0 of 6"
    choose(seen, "aim", "wiped out")
    assert set(labels(seen)) == {"original", "retrain", "gradient_ascent"}


def test_own_records_are_a_choice_of_their_own(seen):
    choose(seen, "part", "Beside the suite paper")
    assert set(labels(seen)) == {"original", "retrain", "npo[steps=9]"}
    find(seen, "#table > tbody > tr > th button")[-2].click()
    wait(lambda: find(seen, ".inside pre"))


def test_a_row_opens_what_repeats_it(seen):
    number = labels(seen).index("npo")
    button = find(seen, "#table > tbody > tr > th button")[number]
    button.click()
    (command,) = wait(lambda: find(seen, ".inside pre"))
    assert command.text == "ser-unlearn run paper --method npo --results again"
    inside = find(seen, ".inside")[0].text
    for text in ("epochs", "torch", "a" * 40, "Runs (18)", "methods/npo.py", "angry (test) 4.0"):
        assert text in inside
    (link,) = find(seen, ".inside a")
    assert link.get_attribute("href") == "https://arxiv.org/abs/2404.05868"
    button.click()
    assert find(seen, ".inside") == []


def downloaded(driver: Any, button: str, name: str) -> str:
    path = driver.folder / "downloads" / name
    path.unlink(missing_ok=True)
    find(driver, f"#{button}")[0].click()
    wait(path.exists)
    return path.read_text(encoding="utf-8")


def test_what_is_shown_is_downloaded(seen):
    rows = list(csv.DictReader(downloaded(seen, "csv", "table.csv").splitlines()))
    assert [row["label"] for row in rows] == labels(seen)
    assert json.loads(downloaded(seen, "json", "table.json"))[0]["label"] == labels(seen)[0]


def test_each_run_is_downloaded(seen):
    runs = json.loads(downloaded(seen, "runs-json", "runs.json"))
    assert len(runs) == 18 * len(labels(seen))
    assert {run["label"] for run in runs} == set(labels(seen))
    text = downloaded(seen, "runs-csv", "runs.csv")
    assert len(list(csv.DictReader(text.splitlines()))) == len(runs)


def test_the_keyboard_is_enough(seen):
    from selenium.webdriver.common.keys import Keys

    def focused() -> Any:
        return seen.switch_to.active_element

    def tab_to(condition: Callable[[Any], bool]) -> Any:
        for _ in range(60):
            focused().send_keys(Keys.TAB)
            if condition(focused()):
                return focused()
        raise AssertionError("the keyboard does not reach it")

    box = tab_to(lambda each: each.get_attribute("type") == "checkbox")
    box.send_keys(Keys.SPACE)
    assert "original" not in labels(seen)
    tab_to(lambda each: each.get_attribute("id") == "sort-distance").send_keys(Keys.ENTER)
    assert focused().get_attribute("id") == "sort-distance"
    tab_to(lambda each: each.get_attribute("aria-expanded") == "false").send_keys(Keys.ENTER)
    assert wait(lambda: find(seen, ".inside pre"))
    assert focused().get_attribute("aria-expanded") == "true"
    outline = seen.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    assert tab_to(lambda each: each.get_attribute("id") == "csv")


def test_every_plot_is_drawn_when_it_is_seen(seen):
    for figure in find(seen, "figure"):
        assert figure.is_displayed()
        seen.execute_script("arguments[0].scrollIntoView()", figure)
        wait(lambda figure=figure: figure.find_elements("css selector", "svg"))
    text = find(seen, "#plots")[0].text
    words = ("gradient_ascent", "retraining", "ased random:64", "pruned", "known of the forget set")
    assert all(word in text for word in words)


def test_a_label_is_text_wherever_it_stands(seen):
    seen.execute_script("document.getElementById('plot-ranking').scrollIntoView()")
    wait(lambda: find(seen, "#plot-ranking svg"))
    assert NASTY in labels(seen)
    assert find(seen, "img") == []
    assert seen.title == "ser-unlearn: which unlearning method?"


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_without_scrolling_sideways(page: Path, tmp_path: Path, dark: bool):
    with browser(tmp_path, dark=dark, width=390) as driver:
        driver.get(page.as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
        colour = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (colour == "rgb(20, 23, 27)") is dark


def crowd() -> Iterator[Record]:
    """100,800 records: three tables of seven rows and 4,800 runs."""
    for batch, record in itertools.product(range(800), field()):
        run = record.seeds.model + 6 * batch
        seeds = record.seeds.model_copy(update={"model": run, "forget": run})
        yield record.model_copy(update={"recipe": "other", "seeds": seeds})


def test_a_hundred_thousand_records_are_seen_within_five_seconds(tmp_path: Path):
    page = tmp_path / "report.html"
    with browser(tmp_path) as driver:
        page.write_text(make_page(crowd()), encoding="utf-8")
        driver.get(page.as_uri())
        paint = wait(
            lambda: driver.execute_script(
                "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
            )
        )
        # Milliseconds; by then the answers stand there, and soon after the table.
        assert paint < 5000
        assert driver.execute_script("return performance.timing.loadEventEnd") > 0
        assert len(labels(driver)) == len(ROWS)
        find(driver, "#table > tbody > tr > th button")[1].click()
        wait(lambda: find(driver, ".inside pre"))
        assert "Runs (14400)" in find(driver, ".inside")[0].text
