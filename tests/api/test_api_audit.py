"""Attacks on outputs of one's own, from the arrays alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import ser_unlearn

LABELS = np.arange(40) % 4
MEMBERS = np.arange(40) % 2 == 0


def logits(lift: float, seed: int = 0) -> np.ndarray:
    """Random outputs, with so much added to the own class of every member."""
    found = np.random.default_rng(seed).normal(size=(40, 4))
    found[np.arange(40)[MEMBERS], LABELS[MEMBERS]] += lift
    return found


def test_an_attack_finds_what_stands_out_and_nothing_else():
    # By hand: ten nats more than any of forty draws of a normal can be is a lower loss for sure.
    found = ser_unlearn.audit(logits(10), LABELS, MEMBERS).set_index("attack")
    assert found.auc["loss"] == 1
    assert list(found.index) == ["loss", "margin"]
    # Twenty against twenty at random: the standard deviation of the area is 0.09.
    nothing = ser_unlearn.audit(logits(0), LABELS, MEMBERS).set_index("attack")
    assert abs(nothing.auc["loss"] - 0.5) < 0.36


def test_the_order_of_the_utterances_does_not_count():
    order = np.random.default_rng(1).permutation(40)
    first = ser_unlearn.audit(logits(1), LABELS, MEMBERS)
    second = ser_unlearn.audit(logits(1)[order], LABELS[order], MEMBERS[order])
    assert list(first.auc) == pytest.approx(list(second.auc), abs=1e-12)


def test_what_is_given_further_lets_further_attacks_run():
    pair = logits(0, 1), LABELS
    found = ser_unlearn.audit(
        logits(5), LABELS, MEMBERS, population=pair, retain=(logits(5, 2), LABELS)
    )
    assert {"svc-confidence", "svc-entropy"} <= set(found.attack)
    masks = np.random.default_rng(3).random((6, 40)) < 0.5
    masks[:3], masks[3:] = masks[:3], ~masks[:3]
    models = np.stack([logits(0, seed) for seed in range(6)]), masks
    assert "lira-offline" in set(
        ser_unlearn.audit(logits(5), LABELS, MEMBERS, shadows=models).attack
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"logits": np.zeros(40)}, "shapes are"),
        ({"members": MEMBERS[:5]}, "shapes are"),
        ({"members": np.ones(40)}, "members and others"),
        ({"labels": LABELS + 1}, "from 0 to 3"),
        ({"labels": LABELS / 2}, "whole numbers"),
        ({"labels": LABELS[:3]}, "shapes are"),
        ({"logits": logits(1) * np.nan}, "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    given = {"logits": logits(1), "labels": LABELS, "members": MEMBERS, **changes}
    with pytest.raises(ValueError, match=words):
        ser_unlearn.audit(**given)


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, ser_unlearn; ser_unlearn.records; "
        "print({'torch', 'numpy', 'pandas', 'scipy', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
