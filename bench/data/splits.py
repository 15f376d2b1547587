"""Splits: who is trained on, and who is tested on.

Every draw sorts names by a hash of seed and name, so it is the same on every machine and with
every version of every package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ser_unlearn.data.cards import SplitRule
from ser_unlearn.data.corpus import Utterance
from ser_unlearn.errors import UserError, unknown_name


@dataclass(frozen=True)
class Split:
    """Four disjoint sets of utterances, each a sorted list of positions in the corpus."""

    train: list[int]
    validation: list[int]
    heldout: list[int]
    test: list[int]


def shuffled(names: Iterable[str], *salt: object) -> list[str]:
    """Order names by a hash of salt and name: a shuffle that depends on nothing else."""

    def key(name: str) -> tuple[str, str]:
        return hashlib.sha256("/".join([*map(str, salt), name]).encode()).hexdigest(), name

    return sorted(names, key=key)


def allot(count: int, shares: Sequence[float]) -> list[int]:
    """Deal `count` items in a row to sets, so that every stretch is divided by the shares.

    Each item goes to the set that is furthest behind its share. Items of one stratum that stand
    together are therefore divided as evenly as whole items allow.

    Args:
        count: how many items there are.
        shares: one a set; they add up to 1.

    Returns:
        The number of the set, for each item.
    """
    dealt = [0] * len(shares)
    result = []
    for position in range(1, count + 1):
        behind = [share * position - given for share, given in zip(shares, dealt, strict=True)]
        chosen = behind.index(max(behind))
        dealt[chosen] += 1
        result.append(chosen)
    return result


def split(
    utterances: Sequence[Utterance], rule: SplitRule, genders: dict[str, str] | None = None
) -> Split:
    """Divide a corpus into train, validation, held-out and test.

    The test set holds the utterances of speakers whom training never hears, balanced by gender
    where it is known. The other three share the remaining speakers, stratified by emotion and
    speaker.

    Args:
        utterances: the corpus, no two of them copies of one recording.
        rule: shares, test speakers and seed, as the card gives them.
        genders: gender by speaker.

    Raises:
        UserError: if a set would be empty, or training would miss an emotion.
    """
    genders = genders or {}
    speakers = shuffled({each.speaker for each in utterances}, "speaker", rule.seed)
    speakers.sort(key=lambda speaker: genders.get(speaker, ""))
    test_speakers = _test_speakers(speakers, rule)

    test = [place for place, each in enumerate(utterances) if each.speaker in test_speakers]
    places = {
        each.name: place
        for place, each in enumerate(utterances)
        if each.speaker not in test_speakers
    }
    names = shuffled(places, "utterance", rule.seed)
    names.sort(
        key=lambda name: (utterances[places[name]].emotion, utterances[places[name]].speaker)
    )
    shares = [1 - rule.validation - rule.heldout, rule.validation, rule.heldout]
    sets: list[list[int]] = [[], [], []]
    for name, chosen in zip(names, allot(len(names), shares), strict=True):
        sets[chosen].append(places[name])
    train, validation, heldout = (sorted(each) for each in sets)
    result = Split(train, validation, heldout, test)

    if not (result.train and result.validation and result.heldout and result.test):
        raise UserError(
            f"{len(utterances)} utterances by {len(speakers)} speakers are too few to split. "
            "Use a larger corpus, or other shares in the card's `split`."
        )
    heard = {utterances[place].emotion for place in result.train}
    missing = {each.emotion for each in utterances} - heard
    if missing:
        raise UserError(
            f"No training utterance is left for {', '.join(sorted(missing))}. "
            "Change the card's `split`, or leave the emotion out."
        )
    return result


def _test_speakers(speakers: list[str], rule: SplitRule) -> set[str]:
    if isinstance(rule.test_speakers, list):
        unknown = set(rule.test_speakers) - set(speakers)
        if unknown:
            raise unknown_name("speaker", min(unknown), speakers)
        return set(rule.test_speakers)
    # At least one, and never all: somebody must be left to train on.
    wanted = min(max(1, round(rule.test_speakers * len(speakers))), len(speakers) - 1)
    share = wanted / max(1, len(speakers))
    dealt = allot(len(speakers), [1 - share, share])
    return {speaker for speaker, chosen in zip(speakers, dealt, strict=True) if chosen == 1}
