"""Who wins a table: two disciplines, what bars a row from winning, and what can be told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ser_unlearn.report.comparison import Comparison, Contest, shortage
from ser_unlearn.report.intervals import Kind
from ser_unlearn.report.lines import Line
from ser_unlearn.results import meanings
from ser_unlearn.results.records import Tuned

FIRST, GROUP, EQUAL, UNTESTED = "*", "+", "=", "?"
"""The winner of a table; that of those that need the same data; a row that does not differ clearly
from the first; and one of which nothing can be said."""

TOLD, UNCHANGED, LIKE_ORIGINAL, WORSE, INCOMPLETE, DEAR = (
    "told",
    "unchanged",
    "like original",
    "worse",
    "incomplete",
    "dear",
)
"""What bars a row from winning."""

MEANINGS = {
    FIRST: "first",
    GROUP: "first of those that need the same data",
    EQUAL: f"does not differ clearly from {FIRST}",
    UNTESTED: "its runs do not say",
    TOLD: "attacks tell it from retraining in most runs",
    UNCHANGED: "the original, rounding aside",
    LIKE_ORIGINAL: "does not differ clearly from the original",
    WORSE: "farther from retraining than the original",
    INCOMPLETE: "a run that it can do is not done",
    DEAR: "costs more than retraining",
}

SYMBOLS = (FIRST, GROUP, EQUAL, UNTESTED)

LEGEND = (
    "; ".join(f"{mark} {MEANINGS[mark]}" for mark in SYMBOLS)
    + ". Not ranked: "
    + "; ".join(f"{mark}: {text}" for mark, text in MEANINGS.items() if mark not in SYMBOLS)
    + "."
)


NO_ORIGINAL = "the original has no result here"

DIGITS = 9
"""Of means that rank: what rounding does to further ones depends on the machine."""


@dataclass(frozen=True)
class Discipline:
    """What rows are ranked by; lower is better."""

    name: str
    metric: str
    kind: Kind
    like_retraining: bool
    """Whether a winner must differ clearly from the original, and not be told from retraining."""
    forgetting: float = 0.0
    """Forgetting rate that it takes to enter."""

    def difference(self, value: float) -> str:
        """A difference between two rows, in words."""
        if self.kind == "factor":
            return f"a factor of {math.exp(value):.2f}"
        return f"a difference of {value:.1f} points"


UNHEARD = Discipline("as if never heard", "distance", "factor", like_retraining=True)

WIPED_OUT = Discipline(
    "wiped out",
    "test_accuracy_drop",
    "amount",
    like_retraining=False,
    forgetting=meanings.WIPED_OUT,
)

DISCIPLINES = (UNHEARD, WIPED_OUT)


@dataclass(frozen=True)
class Standings:
    """The rows of a table in a discipline, ranked."""

    discipline: Discipline
    ranked: tuple[Line, ...]
    """Those that may win, the first in front."""
    others: tuple[Line, ...]
    """Those that may not, the best in front: barred ones, controls and retraining."""
    bars: dict[str, list[str]]
    """What bars each row from winning, by its label."""
    rivals: dict[str, Comparison]
    """The first against each other row that competes: by the other's label."""
    untold: dict[str, str]
    """Why it cannot be said of a row how it stands, by its label."""
    contest: Contest
    """Of all rows."""

    @property
    def rows(self) -> tuple[Line, ...]:
        """All of them, in the order of the table."""
        return self.ranked + self.others

    @property
    def competitors(self) -> list[Line]:
        """Those that may win, and those that are barred from it, in the order of the table."""
        return [line for line in self.rows if line.label in self.bars]

    @property
    def shortage(self) -> str:
        """Why nothing can be told of any two rows; nothing where it can."""
        return shortage({run for line in self.rows for run in line.runs(self.discipline.metric)})

    def alike(self) -> list[tuple[str, ...]]:
        """The largest groups of rows beside each other of which no two can be told apart."""
        means = self.contest.means()
        labels = [line.label for line in self.competitors]
        return self.contest.alike(sorted(labels, key=lambda label: (means[label], label)))

    @property
    def group_firsts(self) -> list[Line]:
        """The first of those that need the same data, the first of all in front."""
        found: dict[tuple[str, ...], Line] = {}
        for line in self.ranked:
            found.setdefault(line.needs, line)
        return list(found.values())

    def marks(self, line: Line) -> list[str]:
        """What stands beside a row's label: names in `MEANINGS`."""
        found = list(self.bars.get(line.label, []))
        if line in self.group_firsts:
            found.append(FIRST if line == self.ranked[0] else GROUP)
        rival = self.rivals.get(line.label)
        if rival is not None and not rival.is_clear:
            found.append(UNTESTED if rival.reason else EQUAL)
        return list(dict.fromkeys(found))


def ways_of_tuning(rows: Iterable[Line]) -> list[Tuned | None]:
    """How parameters were found, defaults in front: each has standings of its own."""
    return list(dict.fromkeys([None, *(line.tuned for line in rows)]))


def standings(
    rows: Sequence[Line], discipline: Discipline, tuned: Tuned | None = None
) -> Standings | None:
    """Rank the rows of a table, or of several tables.

    Controls and retraining compete for nothing, but stand among the others.

    Args:
        rows: one for each label.
        discipline: what to rank by.
        tuned: rows whose parameters were found in this way are ranked.

    Returns:
        None where no row may enter.
    """
    rows = [line for line in rows if line.runs(discipline.metric)]
    entered = [line for line in rows if _competes(line) and _enters(line, discipline, tuned)]
    if not entered:
        return None
    beside = [line for line in rows if not _competes(line)]
    contest = Contest(
        {line.label: line.runs(discipline.metric, discipline.kind) for line in entered + beside}
    )
    against = _against_original(entered, discipline, contest, beside)
    bars = {line.label: _bars(line, discipline, against) for line in entered}
    means = contest.means()
    order = sorted(
        entered + beside, key=lambda line: (round(means[line.label], DIGITS), line.label)
    )
    ranked = tuple(line for line in order if line in entered and not bars[line.label])
    others = tuple(line for line in order if line not in ranked)
    rivals: dict[str, Comparison] = {}
    if ranked:
        rivals = contest.compare_with(ranked[0].label, bars)
    untold = {label: each.reason for label, each in (against | rivals).items() if each.reason}
    for line in entered:
        if reason := shortage(line.runs(discipline.metric)):
            untold.setdefault(line.label, reason)
    if discipline.like_retraining and not against:
        untold = {line.label: NO_ORIGINAL for line in entered} | untold
    return Standings(discipline, ranked, others, bars, rivals, untold, contest)


def _competes(line: Line) -> bool:
    return not (line.is_control or line.is_retraining)


def _enters(line: Line, discipline: Discipline, tuned: Tuned | None) -> bool:
    return line.tuned == tuned and (line.mean("forgetting_rate") or 0) >= discipline.forgetting


def _against_original(
    entered: Sequence[Line], discipline: Discipline, contest: Contest, beside: Sequence[Line]
) -> dict[str, Comparison]:
    """The original against each row, where that matters."""
    original = next((line for line in beside if line.is_original), None)
    if original is None or not discipline.like_retraining:
        return {}
    return contest.compare_with(original.label, [line.label for line in entered])


def _bars(line: Line, discipline: Discipline, against: dict[str, Comparison]) -> list[str]:
    """What bars a row from winning."""
    bars = []
    if discipline.like_retraining:
        count, known = line.told
        bars += [TOLD] if 2 * count > known else []
        bars += _likeness(line, against.get(line.label))
    elif shortage(line.runs(discipline.metric)):
        bars.append(UNTESTED)
    # What fails where it would do badly gains nothing by it.
    bars += [INCOMPLETE] if any(each.status != "unsupported" for each in line.failures) else []
    return bars + ([DEAR] if (line.mean("flops_ratio") or 0) > 1 else [])


def _likeness(line: Line, against: Comparison | None) -> list[str]:
    """What bars a row for what it is beside the original."""
    if line.is_unchanged:
        return [UNCHANGED]
    if against is None or against.corrected is None or against.difference is None:
        return [UNTESTED]
    if not against.is_clear:
        return [LIKE_ORIGINAL]
    return [] if against.difference > 0 else [WORSE]
