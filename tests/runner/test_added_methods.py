"""Methods that somebody adds: one file each, whatever they do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checkouts import ROOT, copy_package
from workplaces import SMALL, Workplace

pytestmark = pytest.mark.slow


BROKEN = '''
from dataclasses import dataclass
import time
import torch
from ser_unlearn import Method, Recogniser, Task
from ser_unlearn.errors import UnsupportedError


@dataclass(frozen=True)
class Broken(Method):
    """Fail in the way that is asked for."""

    reference = "none"
    needs = frozenset({"forget"})
    variants = {
        "nan": {"how": "nan"},
        "late": {"how": "late"},
        "greedy": {"how": "greedy"},
        "unable": {"how": "unable"},
        "fine": {"how": "fine"},
    }

    how: str = "raise"

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        if self.how == "raise":
            raise RuntimeError("this cannot work")
        if self.how == "nan":
            for weight in model.parameters():
                weight.data.fill_(float("nan"))
        if self.how == "late":
            while True:
                time.sleep(0.01)
        if self.how == "greedy":
            len(task.retain)
        if self.how == "unable":
            raise UnsupportedError("no such task")
        return model
'''


@pytest.fixture
def checkout(tmp_path: Path, workplace: Workplace) -> Workplace:
    """A copy of the project, to which a test may add files."""
    copy_package(tmp_path)
    return Workplace(tmp_path, workplace.store, package=tmp_path)


def test_one_methods_failure_is_a_record_and_stops_no_other(checkout: Workplace):
    (checkout.folder / "ser_unlearn" / "methods" / "broken.py").write_text(BROKEN)
    (checkout.folder / "ser_unlearn" / "runner" / "suites" / "short.yaml").write_text(
        "{description: a short one, corpora: [espeak], recipes: [tiny], scenarios: ['random:16'], "
        "methods: [broken, broken-nan, broken-late, broken-greedy, broken-unable, broken-fine], "
        "runs: 1, references: 2, timeout_s: 8}"
    )
    done = checkout.process("run", "short", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    found = {record.label: (record.status, record.reason) for record in checkout.records()}
    assert found.pop("broken-fine") == ("done", "")
    assert found.pop("broken") == ("failed", "RuntimeError: this cannot work")
    assert found.pop("broken-late") == ("timeout", "stopped after 8 s")
    assert found.pop("broken-unable") == ("unsupported", "no such task")
    status, reason = found.pop("broken-nan")
    assert status == "failed"
    assert "is not finite" in reason
    status, reason = found.pop("broken-greedy")
    assert status == "failed"
    assert "'broken' touched the retain set, but does not declare it" in reason
    assert not found
    assert "broken-late on espeak, random:16: 1 of 1 not done; timeout" in done.stdout


def test_a_method_is_one_file(checkout: Workplace):
    page = (ROOT / "docs" / "add-a-method.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    name = page.split("`methods/")[1].split(".py`")[0]
    (checkout.folder / "ser_unlearn" / "methods" / f"{name}.py").write_text(code)

    listed = checkout.process("list", "methods")
    assert name in listed.stdout
    done = checkout.process("run", *SMALL, "--method", name)
    assert done.returncode == 0, done.stderr
    (record,) = checkout.records()
    assert (record.label, record.status) == (name, "done")
    assert checkout.process("leaderboard").returncode == 0
    assert f"| {name} " in (checkout.folder / "leaderboard.md").read_text()
    assert json.loads(checkout.process("table", "--format", "json").stdout)[0]["method"] == name
