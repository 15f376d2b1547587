"""The audit: who is audited, with which attacks, and what the record says of it."""

from types import SimpleNamespace

import numpy as np
import pytest

from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.splits import Split
from ser_unlearn.errors import UndeclaredDataError
from ser_unlearn.evaluation import audit, shadows
from ser_unlearn.evaluation.audit import Auditor
from ser_unlearn.evaluation.membership import ATTACKS
from ser_unlearn.evaluation.prices import PRICES, down_to, up_to

N, EMOTIONS = 400, 4
SPLIT = Split(
    train=list(range(200)),
    validation=list(range(200, 240)),
    heldout=list(range(240, 380)),
    test=list(range(380, N)),
)
FORGET = list(range(40))
LABELS = np.arange(N) % EMOTIONS


def logits(known, seed, sure=6.0):
    """Logits [N, C] of a model that is surer of what it knows."""
    drawn = np.random.default_rng(seed).normal(size=(N, EMOTIONS))
    drawn[np.arange(N), LABELS] += np.where(np.isin(np.arange(N), list(known)), sure, 1.0)
    return drawn.astype(np.float32)


class FakeShadow:
    def __init__(self, number):
        half = np.random.default_rng(number // 2).permutation([*SPLIT.train, *SPLIT.heldout])
        self.places = sorted(half[number % 2 :: 2].tolist())
        self.trained = SimpleNamespace(logits=logits(self.places, 1000 + number))
        self.seed = number
        self.setup = None


@pytest.fixture
def request_to_forget(monkeypatch):
    utterances = [
        Utterance(f"u{place}", "abcd"[LABELS[place]], "x", "s", str(place), 1 + place % 7)
        for place in range(N)
    ]
    setup = SimpleNamespace(
        corpus=SimpleNamespace(utterances=utterances), labels=LABELS, split=SPLIT
    )
    fakes = [FakeShadow(number) for number in range(8)]
    for each in fakes:
        each.setup = setup
    monkeypatch.setattr(shadows, "everyone", lambda _: fakes)
    retain = SPLIT.train[len(FORGET) :]
    return SimpleNamespace(
        setup=setup,
        forget_seed=0,
        sets={
            "forget": FORGET,
            "retain": retain,
            "validation": SPLIT.validation,
            "heldout": SPLIT.heldout,
        },
        original=SimpleNamespace(logits=logits(SPLIT.train, 1)),
        references=lambda count: [
            SimpleNamespace(logits=logits(retain, 2 + k)) for k in range(count)
        ],
    )


def retrained(request_to_forget):
    """One more."""
    return logits(request_to_forget.sets["retain"], 99)


def test_the_audited_are_the_forget_set_and_its_matches(request_to_forget):
    places = Auditor(request_to_forget, "simple", 3).places
    assert places[:40] == FORGET
    others = places[40:]
    # 140 held-out utterances are enough for three to each, none twice.
    assert len(others) == len(set(others)) == 120
    assert set(others) <= set(SPLIT.heldout)
    assert np.bincount(LABELS[others]).tolist() == [30, 30, 30, 30]


@pytest.mark.parametrize("price", PRICES)
def test_a_price_buys_the_attacks_up_to_it(request_to_forget, price):
    auditor = Auditor(request_to_forget, price, 3)
    answers = [(each, logits(each.train, 5)) for each in auditor.shadow_requests()]
    assert bool(answers) == (price == "strong")
    found = auditor.audit(request_to_forget.original.logits, answers)
    assert list(found.results) == [
        attack.name for attack in ATTACKS if attack.price in up_to(price)
    ]


def test_prices_are_in_order():
    assert up_to("standard") == ["simple", "standard"]
    assert down_to("standard") == ["standard", "strong"]


def test_the_original_is_told_from_the_retrained_and_the_retrained_is_not(request_to_forget):
    auditor = Auditor(request_to_forget, "standard", 5)
    caught = auditor.audit(request_to_forget.original.logits, [])
    assert caught.metrics()["told_from_retrained"] == 1
    assert caught.told["loss"]
    assert caught.metrics()["attack_shift"] > 0.4
    alike = auditor.audit(retrained(request_to_forget), [])
    assert alike.metrics()["told_from_retrained"] == 0
    assert not any(alike.told.values())


def test_what_the_match_shares_is_said(request_to_forget):
    found = Auditor(request_to_forget, "simple", 3).matches
    assert found == {"emotion": 1, "speaker": 1}


def test_a_method_that_pushes_too_far_is_told_by_its_own_shadows(request_to_forget):
    # Forgotten utterances end up worse than never heard: U-LiRA knows what the method leaves.
    def pushed(forget, known, seed):
        found = logits(known, seed)
        found[forget, LABELS[forget]] -= 8
        return found

    auditor = Auditor(request_to_forget, "strong", 3)
    answers = [
        (each, pushed(each.sets["forget"], each.sets["retain"], 50 + number))
        for number, each in enumerate(auditor.shadow_requests())
    ]
    found = auditor.audit(pushed(FORGET, SPLIT.train[40:], 4), answers)
    assert found.results["ulira"].auc.value > 0.95
    assert found.results["loss"].auc.value < 0.05


def test_a_record_keeps_value_and_interval(request_to_forget):
    found = Auditor(request_to_forget, "simple", 3).audit(request_to_forget.original.logits, [])
    kept = found.records()
    assert list(kept) == list(found.results)
    for name, attack in kept.items():
        value, low, high = attack.auc
        assert low <= value <= high
        assert value == found.results[name].auc.value
        assert attack.told == found.told[name]
        assert attack.references == [each[name] for each in found.references]


def test_no_attack_sees_what_it_did_not_declare(request_to_forget):
    class Nosy(type(ATTACKS[0])):
        def scores(self, view):
            return view.original[:, 0]

    auditor = Auditor(request_to_forget, "simple", 3)
    auditor._attacks = [Nosy()]
    with pytest.raises(UndeclaredDataError, match="original"):
        auditor.audit(request_to_forget.original.logits, [])


def test_the_intervals_of_a_record_hold_at_once(request_to_forget):
    simple, standard = (Auditor(request_to_forget, price, 3) for price in ("simple", "standard"))
    widths = [
        (found := each.audit(retrained(request_to_forget), []).results["loss"].auc).high - found.low
        for each in (simple, standard)
    ]
    assert widths[0] < widths[1]  # corrected for more attacks


def test_matches_are_as_many_as_the_held_out_set_has(request_to_forget):
    request_to_forget.sets["forget"] = FORGET[:2]
    assert len(Auditor(request_to_forget, "simple", 3).places) == 2 * (1 + audit.MATCHES)
    request_to_forget.sets["heldout"] = SPLIT.heldout[:1]
    assert len(Auditor(request_to_forget, "simple", 3).places) == 4
