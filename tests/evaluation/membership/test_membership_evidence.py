"""What an attack may see: what it declared, and nothing else."""

import numpy as np
import pytest

from ser_unlearn.errors import UndeclaredDataError, UnsupportedError
from ser_unlearn.evaluation.membership import (
    ATTACKS,
    SIGHTS,
    Evidence,
    Outputs,
    Shadows,
    View,
    audit,
)
from ser_unlearn.evaluation.prices import PRICES


def outputs(count, classes=3):
    return Outputs(np.zeros((count, classes), np.float32), np.zeros(count, np.int64))


def shadows(models, count, classes=3):
    return Shadows(np.zeros((models, count, classes)), np.zeros((models, count), bool))


def everything():
    return Evidence(
        target=outputs(4),
        population=outputs(5),
        retain=outputs(6),
        shadows=shadows(2, 4),
        population_shadows=shadows(2, 5),
        unlearned_shadows=shadows(3, 4),
        original=np.zeros((4, 3)),
    )


@pytest.mark.parametrize("name", SIGHTS)
def test_an_attack_sees_what_it_declared(name):
    evidence = everything()
    view = View(evidence, "curious", frozenset({name}))
    assert getattr(view, name) is getattr(evidence, name)
    assert view.target is evidence.target


@pytest.mark.parametrize("name", SIGHTS)
def test_touching_anything_else_names_the_attack_and_the_field(name):
    view = View(everything(), "curious", frozenset(SIGHTS) - {name})
    with pytest.raises(UndeclaredDataError, match=f"'curious' touched .*\"{name}\""):
        getattr(view, name)


@pytest.mark.parametrize("name", SIGHTS)
def test_evidence_that_is_not_there_is_named(name):
    view = View(Evidence(outputs(4)), "curious", frozenset({name}))
    with pytest.raises(UnsupportedError, match=f"'curious' needs .*`{name}`"):
        getattr(view, name)


class Recording:
    """A view that lets everything be seen and notes what was."""

    def __init__(self, evidence):
        self.evidence, self.seen = evidence, set()

    def __getattr__(self, name):
        self.seen.add(name)
        return getattr(self.evidence, name)


def lively():
    """Evidence of 8 audited utterances from which every attack can compute a score."""
    random = np.random.default_rng(0)

    def logits(*shape):
        return random.standard_normal((*shape, 3))

    def drawn(count):
        return Outputs(logits(count), random.integers(0, 3, count))

    def seen(count):
        mask = np.arange(4)[:, None] % 2 == np.arange(count) % 2
        return Shadows(logits(4, count), mask)

    return Evidence(drawn(8), drawn(5), drawn(9), seen(8), seen(5), seen(8), logits(8))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_every_attack_declares_what_it_sees_and_no_more(attack):
    view = Recording(lively())
    scores = attack.scores(view)
    assert view.seen - {"target"} == attack.sees <= set(SIGHTS)
    assert scores.shape == (8,)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert attack.price in PRICES
    assert "arXiv:" in attack.reference


def test_attacks_have_names_of_their_own():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) == 13


def test_only_attacks_whose_evidence_is_there_are_run():
    evidence = lively()
    alone = Evidence(evidence.target)
    assert [result.attack for result in audit(alone, 4, seed=0)] == ["loss", "margin"]
    assert [result.attack for result in audit(evidence, 4, seed=0)] == [a.name for a in ATTACKS]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_score_belongs_to_its_utterance(attack):
    # Whatever the order of the audited utterances, each keeps its score: nothing in the order
    # (the forget set comes first) gives the members away.
    evidence = lively()
    order = np.random.default_rng(1).permutation(8)

    def reordered(shadows):
        return Shadows(shadows.logits[:, order], shadows.mask[:, order])

    shuffled = Evidence(
        Outputs(evidence.target.logits[order], evidence.target.labels[order]),
        evidence.population,
        evidence.retain,
        reordered(evidence.shadows),
        evidence.population_shadows,
        reordered(evidence.unlearned_shadows),
        evidence.original[order],
    )
    expected = attack.scores(View(evidence, attack.name, attack.sees))[order]
    found = attack.scores(View(shuffled, attack.name, attack.sees))
    assert found == pytest.approx(expected, abs=1e-9)  # sums in another order


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("shadows", shadows(2, 5)),
        ("unlearned_shadows", shadows(2, 4, classes=2)),
        ("population_shadows", shadows(2, 4)),
        ("original", np.zeros((5, 3))),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, wrong):
    with pytest.raises(ValueError, match=f"{name} must have the shape"):
        Evidence(**{**vars(everything()), name: wrong})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_diverged_is_not_audited(value):
    with pytest.raises(ValueError, match="logits are not finite"):
        Outputs(np.array([[0.0, value]]), np.array([0]))


def test_labels_and_masks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="labels must have the shape"):
        Outputs(np.zeros((4, 3)), np.zeros(5, np.int64))
    with pytest.raises(ValueError, match="mask must have the shape"):
        Shadows(np.zeros((2, 4, 3)), np.zeros((4, 2), bool))
