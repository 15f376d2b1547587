"""The membership attacks: what they must find, and what they must not find."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ser_unlearn.evaluation import membership


def drawn(seed, size):
    return np.random.default_rng(seed).exponential(size=size)


# Loss attack


def test_perfectly_separated_losses_give_the_members_away():
    # A gap of 4 nats between the two: no line through it errs.
    found = membership.loss_attack(0.1 * drawn(0, 100), 5 + drawn(1, 100), seed=0)
    assert found == 1.0


def test_separated_losses_are_found_on_whichever_side_they_lie():
    # A model made to unlearn too much has the higher loss on the forget set.
    assert membership.loss_attack(5 + drawn(0, 100), 0.1 * drawn(1, 100), seed=0) == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_equal_distributions_give_nothing_away(seed):
    # Ten splits test 100 of 1,000 scores each. One split's accuracy has a standard error of
    # sqrt(0.25 / 100) = 0.05, and the splits' mean at least 0.05 / sqrt(10) = 0.016: the interval
    # is four such errors wide on either side.
    found = membership.loss_attack(drawn(2 * seed, 500), drawn(2 * seed + 1, 500), seed)
    assert 0.436 < found < 0.564


@pytest.mark.parametrize("count", range(2, 31))
def test_equal_losses_give_exactly_half_at_every_size(count):
    # Whatever it answers, an attacker who sees nothing is right on one side of a balanced test.
    assert membership.loss_attack(np.ones(count), np.ones(count), seed=0) == 0.5


@pytest.mark.parametrize(("members", "nonmembers"), [(20, 500), (500, 20), (16, 230)])
def test_a_larger_side_is_no_advantage(members, nonmembers):
    # Unbalanced, naming the larger side always would be right in 93 % of cases or more.
    assert membership.loss_attack(np.ones(members), np.ones(nonmembers), seed=0) == 0.5


def test_the_loss_attack_repeats_itself_with_its_seed():
    members, nonmembers = drawn(0, 40), 0.5 + drawn(1, 90)
    first, again = (membership.loss_attack(members, nonmembers, seed=3) for _ in range(2))
    assert first == again
    others = {membership.loss_attack(members, nonmembers, seed) for seed in range(4, 10)}
    assert others - {first}  # and the seed does matter


@pytest.mark.parametrize(("members", "nonmembers"), [(0, 5), (1, 5), (5, 1), (1, 1)])
def test_the_loss_attack_has_nothing_to_learn_from_one_utterance(members, nonmembers):
    assert membership.loss_attack(drawn(0, members), 9 + drawn(1, nonmembers), seed=0) == 0.5


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_the_loss_attack_works_on_tiny_sets(count):
    found = membership.loss_attack(drawn(0, count), drawn(1, count), seed=0)
    assert 0 <= found <= 1


# Threshold-free attack


def test_auc_and_tpr_of_perfect_separation_are_one():
    assert membership.threshold_free(np.array([0.1, 0.2]), np.array([0.3, 0.4])) == (1.0, 1.0)


def test_auc_and_tpr_of_the_reverse_are_zero():
    # A low loss speaks for membership; here it is the members whose losses are high.
    assert membership.threshold_free(np.array([0.3, 0.4]), np.array([0.1, 0.2])) == (0.0, 0.0)


def test_auc_counts_pairs_and_ties_by_half():
    # Pairs: 0.1 is below 0.4 and 0.9: 2. Each 0.4 ties with 0.4 and is below 0.9: 2 * 1.5.
    # (2 + 3) / 6. With two non-members, 1 % of them is none: only 0.1 lies below both, 1 of 3.
    auc, tpr = membership.threshold_free(np.array([0.1, 0.4, 0.4]), np.array([0.4, 0.9]))
    assert auc == pytest.approx(5 / 6, abs=1e-12)  # a sum of a few fractions
    assert tpr == pytest.approx(1 / 3, abs=1e-12)


def test_auc_of_equal_losses_is_half_and_nobody_is_found():
    # The one threshold accuses all or none.
    assert membership.threshold_free(np.zeros(5), np.zeros(7)) == (0.5, 0.0)


@pytest.mark.parametrize(
    ("accused", "expected"),
    [
        (0, 1.0),  # all members lie below all non-members
        (1, 1.0),  # 1 of 100 non-members below them is 1 %, just allowed
        (2, 0.0),  # 2 of 100 are not
    ],
)
def test_tpr_allows_one_accused_in_a_hundred(accused, expected):
    members = np.array([0.5, 0.6])
    nonmembers = np.concatenate([np.linspace(0.1, 0.2, accused), np.full(100 - accused, 0.9)])
    _, tpr = membership.threshold_free(members, nonmembers)
    assert tpr == expected


def test_tpr_looks_at_every_threshold_also_where_the_roc_curve_is_straight():
    # Members and non-members share the losses 0 to 199. The threshold after the second lowest
    # accuses 2 of 200 non-members (1 %) and finds 2 of 200 members.
    losses = np.arange(200.0)
    auc, tpr = membership.threshold_free(losses, losses)
    assert auc == pytest.approx(0.5, abs=1e-12)  # a sum of 200 equal parts
    assert tpr == pytest.approx(0.01, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_tpr_agree_with_their_definitions(seed):
    random = np.random.default_rng(seed)
    members = random.integers(0, 300, 150) / 10  # ties within and across the two
    nonmembers = random.integers(20, 320, 250) / 10
    auc, tpr = membership.threshold_free(members, nonmembers)
    pairs = members[:, None] - nonmembers[None, :]
    # Counts of at most 37,500 pairs and their quotient: exact but for the last digits.
    assert auc == pytest.approx(((pairs < 0) + 0.5 * (pairs == 0)).mean(), abs=1e-10)
    shares = [
        (members <= threshold).mean()
        for threshold in [-1, *members, *nonmembers]
        if (nonmembers <= threshold).mean() <= 0.01
    ]
    assert tpr == pytest.approx(max(shares), abs=1e-12)


def test_auc_agrees_with_scikit_learn():
    members, nonmembers = drawn(0, 60), 0.3 + drawn(1, 80)
    auc, _ = membership.threshold_free(members, nonmembers)
    truth = np.repeat([1, 0], [60, 80])
    expected = roc_auc_score(truth, -np.concatenate([members, nonmembers]))
    assert auc == pytest.approx(expected, abs=1e-6)  # the project's bound for agreement


# Efficacy


def clusters(seed=0):
    """Confidences of a retain set near 0.95 and of a held-out set near 0.15."""
    random = np.random.default_rng(seed)
    return random.uniform(0.9, 1.0, 80), random.uniform(0.1, 0.2, 50)


@pytest.mark.parametrize(
    ("forget", "expected"),
    [
        ([0.95, 0.96, 0.99], 0.0),  # all look like members
        ([0.11, 0.15, 0.18], 1.0),  # all look like non-members
        ([0.95, 0.15, 0.12, 0.98], 0.5),
        ([0.95, 0.15, 0.12, 0.11], 0.75),
        ([0.12], 1.0),  # a forget set of one
    ],
)
def test_efficacy_is_the_share_that_falls_among_non_members(forget, expected):
    # The clusters are 0.7 apart and 0.1 wide: every confidence lies well inside one of them.
    assert membership.efficacy(np.array(forget), *clusters(), seed=0) == expected


def test_efficacy_weighs_a_small_held_out_set_as_much_as_a_large_retain_set():
    # Among 1,000 retained, 300 are at 0.2, where all 20 held-out ones are. Unbalanced, 0.2 means
    # a member, 300 to 20. Of 20 retained about 6 are there: balanced, it means a non-member.
    retain = np.repeat([0.2, 0.9], [300, 700])
    heldout = np.full(20, 0.2)
    assert membership.efficacy(np.array([0.2]), retain, heldout, seed=0) == 1.0


def test_efficacy_repeats_itself_with_its_seed():
    random = np.random.default_rng(0)
    forget, retain, heldout = (random.uniform(size=size) for size in (40, 300, 60))
    found = [membership.efficacy(forget, retain, heldout, seed) for seed in (0, 0, *range(1, 8))]
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_efficacy_works_on_tiny_sets():
    assert membership.efficacy(np.array([0.9]), np.array([0.9]), np.array([0.1]), seed=0) == 0.0
