"""Draws: what each kind of scenario takes from the training set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.data import lists
from ser_unlearn.data.corpus import Utterance
from ser_unlearn.data.sizes import number, sequence, share_or_number
from ser_unlearn.data.splits import shuffled
from ser_unlearn.errors import LackingError, UserError, unknown_name
from ser_unlearn.results.names import shown

Losses = Callable[[], NDArray[np.float64]]
"""Gives the original model's cross-entropies in nats, [N], for every utterance of the corpus."""

Listed = Callable[[str], Sequence[str]]
"""Gives the names of a list of recordings, by what it is known by: `lists.kept`."""


def no_lists(key: str) -> Sequence[str]:
    """Where no list can be named."""
    raise LackingError(f"There is no list {shown(key, 80)} here.")


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
    listed: Listed = no_lists
    """Called only by scenarios that name a list."""

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


def random(draw: Draw) -> set[int]:
    """Draw so many utterances, or so many percent."""
    size = len(draw.train)
    percent, wanted = share_or_number(draw.argument)
    if percent is not None:
        wanted = max(1, round(percent / 100 * size))
    draw.check(wanted, size - 1, f"{size} training utterances")
    places = draw.places
    return {places[name] for name in draw.shuffled(places)[:wanted]}


def whole_groups(of: str, label: Callable[[Utterance], str]) -> Callable[[Draw], set[int]]:
    """Draw N labels, and take all training utterances that have them; `of` is for errors."""

    def draw_groups(draw: Draw) -> set[int]:
        wanted = number(draw.argument, int)
        groups = draw.groups(label)
        draw.check(wanted, len(groups) - 1, f"{len(groups)} {of}")
        return {place for name in draw.shuffled(groups)[:wanted] for place in groups[name]}

    return draw_groups


def emotion(draw: Draw) -> set[int]:
    """Take all utterances of an emotion."""
    groups = draw.groups(lambda each: each.emotion)
    if draw.argument not in groups:
        raise unknown_name("emotion", draw.argument, groups)
    if not re.fullmatch(r"\w([\w -]*\w)?", draw.argument):
        raise UserError(
            f"The emotion '{draw.argument}' cannot name a folder of records. "
            "Give it a name of letters, digits, spaces and hyphens in the corpus's card."
        )
    return set(groups[draw.argument])


def by_loss(which: str, sign: int) -> Callable[[Draw], set[int]]:
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


def duplicates(draw: Draw) -> set[int]:
    """Draw utterances of which another like them stays."""
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


def sequential(draw: Draw) -> set[int]:
    """Take one part of a draw for several requests."""
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


def listed(draw: Draw) -> set[int]:
    """Take the utterances that a list names."""
    names, places = draw.listed(draw.argument), draw.places
    known = {each.name for each in draw.utterances}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f"The list of recordings to forget names {len(unknown)} that the corpus does not have "
            f"(or only as copies of others): {lists.in_words(unknown)}. A name is that of a file, "
            f"without folder and ending, such as {min(known)}."
        )
    outside = [name for name in names if name not in places]
    if outside:
        raise UserError(
            f"The list of recordings to forget names {len(outside)} that are not in the training "
            f"set: {lists.in_words(outside)}. Take them out; the card's `split` says who is."
        )
    draw.check(len(names), len(places) - 1, f"{len(places)} training utterances")
    return {places[name] for name in names}
