"""Corpora of bare utterances, and forget sets drawn from them."""

import numpy as np

from ser_unlearn.data.cards import SplitRule
from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.scenarios import draw_forget_set
from ser_unlearn.data.splits import split


def utterance(name, speaker="s", emotion="e", statement="t"):
    return Utterance(name, emotion, speaker, statement, f"hash of {name}", 1.0)


def corpus(speakers, emotions, statements, repetitions):
    """Every speaker says every statement in every emotion so many times."""
    return [
        utterance(f"s{s}-e{e}-t{t}-{r}", f"s{s}", f"e{e}", f"t{t}")
        for s in range(speakers)
        for e in range(emotions)
        for t in range(statements)
        for r in range(repetitions)
    ]


def unknown():
    raise AssertionError("this scenario must not ask what the original model says")


def draw(scenario, utterances, train=None, seed=0, losses=None):
    """The forget set; without losses, the original model must not be asked."""
    train = range(len(utterances)) if train is None else train
    given = unknown if losses is None else lambda: np.array(losses)
    return draw_forget_set(scenario, utterances, train, seed, given)


UTTERANCES = corpus(speakers=5, emotions=3, statements=2, repetitions=4)

TRAIN = split(UTTERANCES, SplitRule()).train  # of four speakers

LOSSES = {each.name: 7 * number % 23 / 5 for number, each in enumerate(UTTERANCES)}  # with ties

FIVE = [utterance(name) for name in "abcde"]


def extremes():
    """The hardest and the easiest, by losses of which some are equal: positions, by the draw."""
    losses = [LOSSES[each.name] for each in UTTERANCES]
    return {
        f"{scenario}, seed {seed}": draw(scenario, UTTERANCES, TRAIN, seed, losses)
        for scenario in ("hard:4", "easy:4")
        for seed in (0, 1)
    }
