"""The site: `sphinx-build --fail-on-warning docs site`."""

from __future__ import annotations

from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

from ser_unlearn.report.page.assemble import make_page
from ser_unlearn.results.records import read_records

project = "ser-unlearn"
author = "the ser-unlearn contributors"
release = version_of("ser-unlearn")

extensions = ["myst_parser"]
# Pages link to headings as GitHub does.
myst_heading_anchors = 3

html_theme = "furo"
html_title = "ser-unlearn"
html_show_sphinx = False
html_copy_source = False
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "report.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}


def add_report(app: Sphinx, error: Exception | None) -> None:
    """Put the page of the committed records into the site."""
    if error is None:
        records = read_records(Path(app.srcdir).parent / "results")
        (Path(app.outdir) / "report.html").write_text(make_page(records), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("build-finished", add_report)
