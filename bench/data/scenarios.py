"""Scenarios: what is to be forgotten, drawn from the training set.

Every draw sorts names by a hash of scenario, forget seed and name. What is drawn depends on the
corpus, the scenario and the forget seed alone; for `hard` and `easy` also on the original model,
and so on the model seed. Scenarios draw each for itself: the 64 utterances of `random:64` are not
the 16 of `random:16` and others, so that two tables are two pieces of evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ser_unlearn.data import draws, lists
from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.draws import Draw, Listed, Losses, no_lists
from ser_unlearn.data.sizes import number, sequence, share_or_number
from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.results.names import shown


def _requests(argument: str) -> list[str]:
    requests, _, position = sequence(argument)
    if position is not None:
        return [argument]
    return [f"{argument}:{position}" for position in range(1, requests + 1)]


def _before(argument: str) -> str | None:
    requests, each, position = sequence(argument)
    return f"{requests}x{each}:{position - 1}" if position and position > 1 else None


def _one(argument: str) -> list[str]:
    number(argument, int)
    return [argument]


def _one_or_share(argument: str) -> list[str]:
    share_or_number(argument)
    return [argument]


@dataclass(frozen=True)
class Kind:
    """A way to draw forget sets."""

    form: str
    """How it is written."""
    meaning: str
    """What it draws."""
    draw: Callable[[Draw], set[int]]
    requests: Callable[[str], list[str]] = lambda argument: [argument]
    """The arguments of the single requests that an argument stands for; one that is none is
    refused, before anything is read."""
    before: Callable[[str], str | None] = lambda argument: None
    """The argument of the request that comes before this one."""
    ranks_by_loss: bool = False
    """Whether the original model must be known to draw."""


SCENARIOS = {
    "random": Kind(
        "random:N or random:P%",
        "N utterances, or P percent, of the training set",
        draws.random,
        _one_or_share,
    ),
    "speaker": Kind(
        "speaker:N",
        "all training utterances of N speakers",
        draws.whole_groups("training speakers", lambda each: each.speaker),
        _one,
    ),
    "emotion": Kind(
        "emotion:NAME",
        "all training utterances of an emotion; the same for every forget seed",
        draws.emotion,
    ),
    "speaker-emotion": Kind(
        "speaker-emotion:N",
        "all training utterances of N pairs of a speaker and an emotion",
        draws.whole_groups(
            "pairs of a training speaker and an emotion",
            lambda each: f"{each.speaker}/{each.emotion}",
        ),
        _one,
    ),
    "hard": Kind(
        "hard:N",
        "N of the 2 N training utterances on which the original model has the highest loss",
        draws.by_loss("hardest", -1),
        _one,
        ranks_by_loss=True,
    ),
    "easy": Kind(
        "easy:N",
        "N of the 2 N training utterances on which the original model has the lowest loss",
        draws.by_loss("easiest", 1),
        _one,
        ranks_by_loss=True,
    ),
    "duplicates": Kind(
        "duplicates:N",
        "N training utterances whose speaker says the same in the same emotion in the retain set",
        draws.duplicates,
        _one,
    ),
    "sequential": Kind(
        "sequential:KxN",
        "K requests of N utterances one after another, reported as sequential:KxN:1 and so on",
        draws.sequential,
        _requests,
        _before,
    ),
    lists.KIND: Kind(
        "list:FILE",
        "the training utterances that a file names, one a line; the same for every forget seed",
        draws.listed,
        lambda argument: [lists.key_of(argument)],
    ),
}
"""Every kind of scenario, by the name that its scenarios begin with."""


def kind_of(scenario: str) -> Kind:
    """The kind of a scenario.

    Raises:
        UserError: if the kind is unknown, naming the nearest known ones, or if the scenario
            lacks its argument.
    """
    kind, _, argument = scenario.partition(":")
    if kind not in SCENARIOS:
        raise unknown_name("scenario", kind, SCENARIOS)
    if not argument:
        found = SCENARIOS[kind]
        raise UserError(
            f"The scenario '{shown(scenario, 80)}' is not complete. "
            f"Write {found.form}: {found.meaning}."
        )
    return SCENARIOS[kind]


def requests(scenario: str) -> list[str]:
    """The single requests that a scenario stands for: itself, but for a sequence.

    Raises:
        UserError: if there is no such scenario.
    """
    kind, _, argument = scenario.partition(":")
    return [f"{kind}:{each}" for each in kind_of(scenario).requests(argument)]


def before(scenario: str) -> str | None:
    """The request that comes before this one, which must be drawable; None if there is none."""
    kind, _, argument = scenario.partition(":")
    earlier = kind_of(scenario).before(argument)
    return None if earlier is None else f"{kind}:{earlier}"


def draw_forget_set(
    scenario: str,
    utterances: Sequence[Utterance],
    train: Sequence[int],
    seed: int,
    losses: Losses,
    listed: Listed = no_lists,
) -> list[int]:
    """Draw the utterances to be forgotten.

    Args:
        scenario: such as "random:16"; a single request of a sequence.
        utterances: the corpus.
        train: positions of the training set.
        seed: the forget seed.
        losses: gives the original model's losses; called only if they are needed.
        listed: gives the names of a list; called only for `list`.

    Returns:
        Sorted positions, a proper and non-empty part of `train`.

    Raises:
        UserError: if there is no such scenario, or it asks for more than there is.
    """
    return sorted(kind_of(scenario).draw(Draw(scenario, utterances, train, seed, losses, listed)))


def check_scenario(
    scenario: str,
    utterances: Sequence[Utterance],
    train: Sequence[int],
    listed: Listed = no_lists,
) -> None:
    """Refuse a scenario that asks for what a corpus lacks, without knowing the original model.

    Args:
        scenario: a single request.
        utterances: the corpus.
        train: positions of the training set.
        listed: gives the names of a list; called only for `list`.

    Raises:
        UserError: as `draw_forget_set` does.
    """
    # Whether there is enough to draw from does not depend on the losses.
    draw_forget_set(scenario, utterances, train, 0, lambda: np.zeros(len(utterances)), listed)
