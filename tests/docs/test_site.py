"""The site: built as the documents say, whole, and asking nobody for anything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browsers import browser
from checkouts import ROOT

pytestmark = pytest.mark.slow

LOADED = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src")}
"""What a browser asks for by itself."""


class Addresses(HTMLParser):
    """The addresses that a page loads or leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in LOADED:
                self.loaded.append(value or "")
            elif (tag, name) == ("a", "href"):
                self.linked.append(value or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("sphinx", reason="needs the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "docs", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def addresses(page: Path) -> Addresses:
    found = Addresses()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def test_all_that_a_page_loads_or_leads_to_is_in_the_site(site: Path):
    pages = [page for page in site.glob("*.html") if page.name != "report.html"]
    assert {"index.html", "methods.html", "search.html"} <= {page.name for page in pages}
    for page in pages:
        found = addresses(page)
        for address in found.loaded + [each for each in found.linked if "://" not in each]:
            path = address.partition("#")[0].partition("?")[0]
            assert address.startswith("data:") or (page.parent / path).exists(), (page, address)


def test_styles_load_nothing_from_elsewhere(site: Path):
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", text), sheet


def test_the_report_is_in_it_and_every_page_leads_there(site: Path):
    assert "Which method should remove recordings" in (site / "report.html").read_text("utf-8")
    assert "report.html" in addresses(site / "methods.html").linked


@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_a_page_asks_for_files_of_the_site_and_fits(site: Path, tmp_path, width: int):
    with browser(tmp_path, width=width) as driver:
        for name in ("index", "methods", "running"):
            driver.get((site / f"{name}.html").as_uri())
            assert driver.execute_script(
                "return document.documentElement.scrollWidth <= window.innerWidth"
            )
        assert driver.get_log("browser") == []
        events = [json.loads(each["message"])["message"] for each in driver.get_log("performance")]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
        # The browser's own pages ask for more.
        and event["params"]["documentURL"].startswith(site.as_uri())
    }
    assert asked
    assert {each for each in asked if not each.startswith((site.as_uri(), "data:"))} == set()
