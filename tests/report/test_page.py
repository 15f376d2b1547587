"""The page as a file: what is in it, and that no text of a record leaves its place."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from fields import ROWS, TABLES, field
from toys import make_record

from ser_unlearn.report.outcomes import outcome_of
from ser_unlearn.report.page.assemble import make_page
from ser_unlearn.report.page.details import Details, command
from ser_unlearn.report.page.views import views
from ser_unlearn.report.parts import parts

NASTY = "</script><script>alert(1)</script><!-- & <b onclick='x'>"
LABEL = NASTY.replace("/", "|")


class Elements(HTMLParser):
    """What elements a page has, and what stands in its scripts."""

    def __init__(self):
        super().__init__()
        self.tags, self.scripts, self.addresses = [], {}, []
        self._script = None

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        self.addresses += [found[name] for name in ("src", "href", "action") if name in found]
        self._script = found.get("id", f"script {len(self.scripts)}") if tag == "script" else None

    def handle_data(self, data):
        if self._script is not None:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data

    def handle_endtag(self, tag):
        self._script = None


def parsed(page):
    found = Elements()
    found.feed(page)
    return found


@pytest.fixture(scope="module")
def page():
    return make_page(field())


def nasty_records():
    failed = make_record(
        corpus="ravdess", label="broken", status="failed", reason=NASTY, reference=NASTY
    )
    return [*field([*ROWS, (LABEL, ("forget",), 1.2, 0.1, 1.0, 0.0)]), failed]


@pytest.mark.slow
def test_no_text_adds_an_element(page):
    nasty = parsed(make_page(nasty_records()))
    plain = parsed(page)
    assert nasty.tags == plain.tags
    assert set(nasty.scripts) == set(plain.scripts)
    assert "<b onclick" not in make_page(nasty_records()).split("<script")[0]


def test_the_data_hold_texts_as_they_are():
    found = parsed(make_page(nasty_records())).scripts
    labels = [row["label"] for row in json.loads(found["view-0-0"])["aims"][0]["rows"]]
    assert LABEL in labels
    assert NASTY in unpacked(found["runs-data"])["texts"]


def unpacked(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_it_names_no_address_but_papers(page):
    assert [each for each in parsed(page).addresses if each != "data:,"] == []


def test_its_policy_allows_its_own_scripts_alone(page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts]
    assert re.findall(r"'sha256-([^']*)'", policy) == hashes
    assert len(scripts) == 2


def test_the_answers_stand_there_without_a_script(page):
    assert "<li>From the forget set alone, npo comes nearest to retraining: distance" in page


def test_there_is_a_view_of_each_choice():
    (part,) = parts(map(outcome_of, field()))
    found = {(each["corpus"], each["scenario"]): each for each in views(part) if not each["recipe"]}
    assert set(found) == {
        *(("", ""), ("", "random:16"), ("", "random:64"), ("", "speaker:1")),
        *(("ased", ""), ("ravdess", ""), *TABLES),
    }
    assert found["", ""]["tables"] == 3
    assert found["ravdess", ""]["tables"] == 2
    # What shows one table is said once.
    assert found["ased", "random:64"]["same"] == found["", "random:64"]["number"]
    assert len(found["", ""]["aims"][0]["cells"]) == 3 * len(ROWS)


def test_details_hold_every_run():
    details = Details()
    for record in field():
        details.add(record, own=False)
    found = unpacked(details.packed())
    assert len(found["runs"]) == len(field())
    place = {name: number for number, name in enumerate(found["columns"])}
    for record, run in zip(field(), found["runs"], strict=True):
        assert found["texts"][run[place["label"]]] == record.label
        assert run[place["model"]] == record.seeds.model
        assert run[place["distance"]] == pytest.approx(record.metrics["distance"], rel=5e-4)
        assert run[place["tow"]] is None
        assert found["texts"][run[place["worst_emotion"]]] == "angry (test)"
        assert found["texts"][run[place["worst_gender"]]] == ""
    assert found["settings"][0]["parameters"] == {"epochs": 3}
    assert found["origins"] == [field()[0].provenance.model_dump()]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": "scrub-rewind", "method": "scrub"}, "--method scrub-rewind"),
        (
            {"label": "scrub[a=1,b=x y]", "method": "scrub"},
            "--method scrub --set scrub.a=1 --set 'scrub.b=x y'",
        ),
        (
            {
                "label": "scrub[tuned-distance,T=9]",
                "method": "scrub",
                "tuned": {"criterion": "distance", "trials": 9},
                "parameters": {"fast": True, "rate": 0.1},
            },
            "--method scrub --set scrub.fast=true --set scrub.rate=0.1",
        ),
    ],
)
def test_the_command_repeats_a_row(changes, words):
    assert command(make_record(**changes)) == f"ser-unlearn run paper {words} --results again"


def test_a_page_of_nothing_is_a_page():
    assert parsed(make_page([])).scripts["setup"]
