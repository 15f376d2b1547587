"""What makes a record stale, and what does not: changes in a copy of the package."""

from __future__ import annotations

import json

import pytest
from small import Copy, grid

pytestmark = pytest.mark.slow

GRID = grid("original", "gradient_ascent")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("copy"))
    assert made(*GRID).returncode == 0
    return made


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
        (
            "import numpy as np\n",
            "import numpy as np\n\nfrom ser_unlearn.evaluation.metrics import agreement\n",
        ),
    )
    copy.replace(
        "evaluation/metrics.py",
        ("def accuracy(", f"{AGREEMENT.replace('np.mean(same)', 'same.mean()')}\n\ndef accuracy("),
    )
    # With an empty store, anything that were not current would have to be made again.
    again = copy(*GRID, store="empty")
    assert (again.returncode, again.stderr) == (0, "")
    assert not (copy.folder / "empty" / "models").exists()
    assert copy.records() == before


def test_a_metric_with_a_raised_revision_makes_only_itself_stale(copy: Copy):
    unlearned = sorted(copy.folder.glob("store/unlearned/**/*"))
    (name,) = (each for each in copy.records() if "gradient_ascent" in each)
    path, before = copy.folder / "results" / name, copy.records()[name]
    # A mark by which to see that the other families are not computed anew.
    before["metrics"]["tow"] = 0.123
    path.write_text(json.dumps(before))
    copy.replace(
        "results/revisions.py", ('"metrics.harm": Revision(3', '"metrics.harm": Revision(9')
    )
    copy.replace(
        "evaluation/spread.py",
        ("return {**worst, **agreements}", "return {**worst, 'forget_agreement': 0.125}"),
    )

    done = copy("evaluate", "--method", "gradient_ascent")
    assert done.returncode == 0
    assert "Left as they are" not in done.stderr
    after = copy.records()[name]
    assert after["metrics"]["forget_agreement"] == 0.125
    assert after["metrics"]["tow"] == 0.123
    assert after["revisions"] == {**before["revisions"], "metrics.harm": 9}
    assert after["attacks"] == before["attacks"]
    assert sorted(copy.folder.glob("store/unlearned/**/*")) == unlearned
