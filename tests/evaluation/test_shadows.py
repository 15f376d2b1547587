"""Shadow models: halves that together know all, and what they are asked to forget."""

from types import SimpleNamespace

import numpy as np
import pytest

from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.splits import Split
from ser_unlearn.evaluation.shadows import FIRST_SEED, Shadow, ShadowRequest, everyone, view
from ser_unlearn.recogniser.setup import Trained

SPLIT = Split(train=list(range(12)), validation=[12, 13], heldout=[14, 15, 16, 17], test=[18, 19])
POOL = {*SPLIT.train, *SPLIT.heldout}


class Setup:
    """Twenty utterances of two emotions and two speakers; training is noted, not done."""

    def __init__(self):
        self.split = SPLIT
        self.corpus = SimpleNamespace(
            utterances=[
                Utterance(f"u{place}", "ab"[place % 2], "xy"[place // 2 % 2], "s", str(place), 1.0)
                for place in range(20)
            ]
        )
        self.asked = []

    def trained(self, places, seed):
        self.asked.append((tuple(places), seed))
        return Trained({}, np.full((20, 3), seed, np.float32), None)


@pytest.mark.parametrize("number", range(8))
def test_a_shadow_knows_half_of_each_stratum_of_train_and_held_out(number):
    setup = Setup()
    places = Shadow(setup, number).places
    assert places == sorted(set(places))
    assert set(places) < POOL
    utterances = setup.corpus.utterances
    for stratum in {(each.emotion, each.speaker) for each in utterances}:
        count = [
            sum((utterances[at].emotion, utterances[at].speaker) == stratum for at in chosen)
            for chosen in (places, POOL)
        ]
        assert abs(2 * count[0] - count[1]) <= 1


def test_partners_share_nothing_and_know_all():
    setup = Setup()
    first, second, third = (Shadow(setup, number).places for number in range(3))
    assert set(first).isdisjoint(second)
    assert set(first) | set(second) == POOL
    assert third not in (first, second)


def test_every_utterance_is_known_to_half_of_all():
    shadows = everyone(Setup())
    seen = view(shadows, sorted(POOL))
    assert (seen.mask.sum(axis=0) == len(shadows) / 2).all()


def test_a_view_by_hand():
    shadows = everyone(Setup())[:2]
    seen = view(shadows, [0, 13])
    assert seen.logits.shape == (2, 2, 3)
    assert (seen.logits == np.array([FIRST_SEED, FIRST_SEED + 1])[:, None, None]).all()
    assert sorted(seen.mask[:, 0]) == [False, True]  # one of two partners
    assert not seen.mask[:, 1].any()  # validation is never trained on


def test_shadow_seeds_are_out_of_the_way():
    setup = Setup()
    Shadow(setup, 3).train()
    assert setup.asked == [(tuple(Shadow(setup, 3).places), FIRST_SEED + 3)]


def test_a_shadow_is_to_forget_what_it_knows_of_the_audited():
    shadow = Shadow(Setup(), 0)
    audited = [0, 1, 2, 3, 14, 15]
    request = ShadowRequest(shadow, audited)
    assert request.sets["forget"] == sorted(set(audited) & set(shadow.places))
    assert sorted(request.sets["forget"] + request.sets["retain"]) == shadow.places
    everything = sorted(place for places in request.sets.values() for place in places)
    assert everything == list(range(20))  # each in one set
    assert request.original.logits[0, 0] == shadow.seed
