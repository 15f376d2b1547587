"""What makes a record stale, and what does not: changes in a copy of the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from checkouts import copy_package
from sounds import write_corpus

CARD = """
name: small
title: Tones in noise
licence: none
citation: none
language: none
utterances: 24
speakers: 4
emotions: [anger, neutral]
sources:
  - kind: folder
    pattern: '(?P<speaker>\\d\\d)(?P<statement>[a-c])(?P<emotion>[WN])\\.wav'
    codes: {emotion: {W: anger, N: neutral}}
"""

pytestmark = pytest.mark.slow


class Copy:
    """A copy of the package that has run two methods on a corpus of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = copy_package(folder)
        (self.package / "cards" / "small.yaml").write_text(CARD)
        names = ["".join(each) for each in product(("01", "02", "03", "04"), "abc", "WN")]
        write_corpus(folder / "recordings", names)
        self.run("store")

    def __call__(self, store: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ser_unlearn", *arguments, "--data-dir", "recordings"],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.folder),
                "SER_UNLEARN_CACHE": str(self.folder / store),
            },
            capture_output=True,
            text=True,
            check=True,
        )

    def run(self, store: str) -> subprocess.CompletedProcess[str]:
        return self(
            store, "run", "--corpus", "small", "--recipe", "tiny", "--scenario", "random:4",
            "--model-seeds", "1", "--forget-seeds", "1", "--jobs", "1",
            "--method", "original", "--method", "gradient_ascent",
        )  # fmt: skip

    def replace(self, module: str, *changes: tuple[str, str]) -> None:
        """Change the text of a module."""
        path = self.package / module
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def records(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.folder.glob("results/**/*.json")}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"))


AGREEMENT = '''def agreement(first: Logits, second: Logits) -> float:
    """Share of utterances that two models [N, C] name the same emotion for, right or wrong."""
    same = first.argmax(axis=1) == second.argmax(axis=1)
    return float(np.mean(same))
'''


def test_renaming_a_helper_and_moving_a_function_leave_every_record_current(copy: Copy):
    before = copy.records()
    assert len(before) == 2
    copy.replace("unlearning/attack.py", ("_norms", "_lengths"))
    copy.replace(
        "evaluation/spread.py",
        (AGREEMENT, ""),
        ("import numpy as np\n", "from ser_unlearn.evaluation.metrics import agreement\n"),
    )
    copy.replace(
        "evaluation/metrics.py",
        ("def accuracy(", f"{AGREEMENT.replace('np.mean(same)', 'same.mean()')}\n\ndef accuracy("),
    )
    # With an empty store, anything that were not current would have to be made again.
    assert copy.run("empty").stderr == ""
    assert not (copy.folder / "empty" / "models").exists()
    assert copy.records() == before


def test_a_metric_with_a_raised_revision_makes_only_itself_stale(copy: Copy):
    unlearned = sorted(copy.folder.glob("store/unlearned/**/*"))
    (path,) = (each for each in copy.records() if "gradient_ascent" in str(each))
    before = json.loads(path.read_text())
    # A mark by which to see that the other families are not computed anew.
    before["metrics"]["tow"] = 0.123
    path.write_text(json.dumps(before))
    copy.replace(
        "results/revisions.py", ('"metrics.harm": Revision(1', '"metrics.harm": Revision(2')
    )
    copy.replace(
        "evaluation/spread.py",
        ("return {**worst, **agreements}", "return {**worst, 'forget_agreement': 0.125}"),
    )

    done = copy("store", "evaluate", "--method", "gradient_ascent")
    assert "Left as they are" not in done.stderr
    after = json.loads(path.read_text())
    assert after["metrics"]["forget_agreement"] == 0.125
    assert after["metrics"]["tow"] == 0.123
    assert after["revisions"] == {**before["revisions"], "metrics.harm": 2}
    assert after["attacks"] == before["attacks"]
    assert sorted(copy.folder.glob("store/unlearned/**/*")) == unlearned
