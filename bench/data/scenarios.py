"""Scenarios: what is to be forgotten, drawn from the training set.

Every draw sorts names by a hash of scenario, forget seed and name. What is drawn depends on the
corpus, the scenario and the forget seed alone; for `hard` and `easy` also on the original model,
and so on the model seed. Scenarios draw each for itself: the 64 utterances of `random:64` are not
the 16 of `random:16` and others, so that two tables are two pieces of evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.sizes import number, sequence, share_or_number
from ser_unlearn.data.splits import shuffled
from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.results.names import shown

Losses = Callable[[], NDArray[np.float64]]
"""Gives the original model's cross-entropies in nats, [N], for every utterance of the corpus."""


@dataclass(frozen=True)
class Draw:
    """What is asked for, and what there is to draw from."""

    scenario: str
    utterances: Sequence[Utterance]
    """The corpus."""
    train: Sequence[int]
    """Positions of the training set."""
    seed: int
    """The forget seed."""
    losses: Losses
    """Called only by scenarios that rank by the loss: the original may have to be trained."""

    @property
    def argument(self) -> str:
        """What follows the kind."""
        return self.scenario.partition(":")[2]

    @property
    def places(self) -> dict[str, int]:
        """The position of every training utterance, by its name."""
        return {self.utterances[place].name: place for place in self.train}

    def groups(self, label: Callable[[Utterance], str]) -> dict[str, list[int]]:
        """Positions of the training utterances that share a label, by the label."""
        found: dict[str, list[int]] = {}
        for place in self.train:
            found.setdefault(label(self.utterances[place]), []).append(place)
        return found

    def shuffled(self, names: Iterable[str]) -> list[str]:
        """Names in the order of the scenario and the forget seed."""
        return shuffled(names, "forget", self.scenario, self.seed)

    def check(self, wanted: int, most: int, of: str) -> None:
        """Refuse to draw more than there is.

        Args:
            wanted: how many are asked for.
            most: how many can be had.
            of: what there is, for the error.
        """
        if 0 < wanted <= most:
            return
        remedy = (
            f"Ask for at least 1 and at most {most}."
            if most > 0
            else "Choose another scenario, or another corpus."
        )
        raise UserError(f"The scenario '{self.scenario}' asks for {wanted} of {of}. {remedy}")


def _random(draw: Draw) -> set[int]:
    size = len(draw.train)
    percent, wanted = share_or_number(draw.argument)
    if percent is not None:
        wanted = max(1, round(percent / 100 * size))
    draw.check(wanted, size - 1, f"{size} training utterances")
    places = draw.places
    return {places[name] for name in draw.shuffled(places)[:wanted]}


def _whole_groups(of: str, label: Callable[[Utterance], str]) -> Callable[[Draw], set[int]]:
    """Draw N labels, and take all training utterances that have them; `of` is for errors."""

    def draw_groups(draw: Draw) -> set[int]:
        wanted = number(draw.argument, int)
        groups = draw.groups(label)
        draw.check(wanted, len(groups) - 1, f"{len(groups)} {of}")
        return {place for name in draw.shuffled(groups)[:wanted] for place in groups[name]}

    return draw_groups


def _emotion(draw: Draw) -> set[int]:
    groups = draw.groups(lambda each: each.emotion)
    if draw.argument not in groups:
        raise unknown_name("emotion", draw.argument, groups)
    if not re.fullmatch(r"\w([\w -]*\w)?", draw.argument):
        raise UserError(
            f"The emotion '{draw.argument}' cannot name a folder of records. "
            "Give it a name of letters, digits, spaces and hyphens in the corpus's card."
        )
    return set(groups[draw.argument])


def _by_loss(which: str, sign: int) -> Callable[[Draw], set[int]]:
    """Draw N of the 2 N utterances at one end; sign 1 puts the smallest loss first."""

    def draw_extreme(draw: Draw) -> set[int]:
        wanted, size = number(draw.argument, int), len(draw.train)
        draw.check(
            wanted, (size - 1) // 2, f"the {2 * wanted} {which} of {size} training utterances"
        )
        places, losses = draw.places, draw.losses()
        ranked = sorted(places, key=lambda name: (sign * losses[places[name]], name))
        return {places[name] for name in draw.shuffled(ranked[: 2 * wanted])[:wanted]}

    return draw_extreme


def _duplicates(draw: Draw) -> set[int]:
    wanted = number(draw.argument, int)
    groups = draw.groups(lambda each: "/".join((each.speaker, each.emotion, each.statement)))
    # Without a statement nothing says that two utterances are alike.
    twins = {
        draw.utterances[place].name: (group, place)
        for group, places in groups.items()
        for place in places
        if len(places) > 1 and draw.utterances[place].statement
    }
    count = len({group for group, _ in twins.values()})
    draw.check(
        wanted,
        count,
        f"{count} groups of training utterances with the same speaker, emotion and statement",
    )
    chosen: dict[str, int] = {}
    for name in draw.shuffled(twins):
        group, place = twins[name]
        chosen.setdefault(group, place)
    return set(list(chosen.values())[:wanted])


def _sequential(draw: Draw) -> set[int]:
    requests, each, position = sequence(draw.argument)
    size = len(draw.train)
    if position is None:
        raise UserError(
            f"The scenario '{draw.scenario}' stands for {requests} requests. "
            f"Name one: {draw.scenario}:1, say."
        )
    draw.check(position, requests, f"{requests} requests")
    draw.check(requests * each, size - 1, f"{size} training utterances")
    places = draw.places
    # All requests are parts of one draw.
    whole = replace(draw, scenario=f"sequential:{requests}x{each}")
    part = whole.shuffled(places)[(position - 1) * each : position * each]
    return {places[name] for name in part}


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
        _random,
        _one_or_share,
    ),
    "speaker": Kind(
        "speaker:N",
        "all training utterances of N speakers",
        _whole_groups("training speakers", lambda each: each.speaker),
        _one,
    ),
    "emotion": Kind(
        "emotion:NAME",
        "all training utterances of an emotion; the same for every forget seed",
        _emotion,
    ),
    "speaker-emotion": Kind(
        "speaker-emotion:N",
        "all training utterances of N pairs of a speaker and an emotion",
        _whole_groups(
            "pairs of a training speaker and an emotion",
            lambda each: f"{each.speaker}/{each.emotion}",
        ),
        _one,
    ),
    "hard": Kind(
        "hard:N",
        "N of the 2 N training utterances on which the original model has the highest loss",
        _by_loss("hardest", -1),
        _one,
        ranks_by_loss=True,
    ),
    "easy": Kind(
        "easy:N",
        "N of the 2 N training utterances on which the original model has the lowest loss",
        _by_loss("easiest", 1),
        _one,
        ranks_by_loss=True,
    ),
    "duplicates": Kind(
        "duplicates:N",
        "N training utterances whose speaker says the same in the same emotion in the retain set",
        _duplicates,
        _one,
    ),
    "sequential": Kind(
        "sequential:KxN",
        "K requests of N utterances one after another, reported as sequential:KxN:1 and so on",
        _sequential,
        _requests,
        _before,
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
    scenario: str, utterances: Sequence[Utterance], train: Sequence[int], seed: int, losses: Losses
) -> list[int]:
    """Draw the utterances to be forgotten.

    Args:
        scenario: such as "random:16"; a single request of a sequence.
        utterances: the corpus.
        train: positions of the training set.
        seed: the forget seed.
        losses: gives the original model's losses; called only if they are needed.

    Returns:
        Sorted positions, a proper and non-empty part of `train`.

    Raises:
        UserError: if there is no such scenario, or it asks for more than there is.
    """
    return sorted(kind_of(scenario).draw(Draw(scenario, utterances, train, seed, losses)))


def check_scenario(scenario: str, utterances: Sequence[Utterance], train: Sequence[int]) -> None:
    """Refuse a scenario that asks for what a corpus lacks, without knowing the original model.

    Args:
        scenario: a single request.
        utterances: the corpus.
        train: positions of the training set.

    Raises:
        UserError: as `draw_forget_set` does.
    """
    # Whether there is enough to draw from does not depend on the losses.
    draw_forget_set(scenario, utterances, train, 0, lambda: np.zeros(len(utterances)))
