"""Sentences: what a table says, and why it does not say more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ser_unlearn.report.columns import DISTANCE, LOSS
from ser_unlearn.report.comparison import Comparison
from ser_unlearn.report.lines import Line
from ser_unlearn.report.standings import (
    DEAR,
    INCOMPLETE,
    LIKE_ORIGINAL,
    TOLD,
    UNCHANGED,
    UNTESTED,
    WORSE,
    Standings,
)
from ser_unlearn.report.text import Escape
from ser_unlearn.results.names import shown

GIVEN = {
    ("forget",): "From the forget set alone",
    ("retain",): "From the retain set alone",
    ("forget", "retain"): "From forget and retain set",
}
"""What a user may have, and how a sentence on it begins."""

BUT = {
    TOLD: "attacks tell it from retraining",
    UNCHANGED: "it left the model as it was",
    LIKE_ORIGINAL: "its runs show no difference from doing nothing",
    WORSE: "it is farther than doing nothing",
    UNTESTED: "its runs say too little",
    INCOMPLETE: "runs of it are not done",
    DEAR: "it costs more than retraining",
}
"""What keeps a row that is nearer from being the answer."""


def answers(found: Standings | None, escape: Escape = shown) -> list[str]:
    """Which method is best for what a user has: distance, price, loss, and what attacks see.

    Args:
        found: who is nearest to retraining; None where nothing is ranked.
        escape: makes text of records fit for where it stands.
    """
    if found is None:
        return []
    original = next((line for line in found.rows if line.is_original), None)
    sentences = []
    for needs, given in GIVEN.items():
        best = nearest(found, needs)
        if best is not None:
            sentences.append(_answer(given, best, found, original, escape))
    return sentences


def nearest(found: Standings, needs: tuple[str, ...]) -> Line | None:
    """The first of the rows that need these data; where none may win, the nearest of them."""
    return first_of(found, _competitors(found, needs))


def first_of(found: Standings, rows: Iterable[Line]) -> Line | None:
    """The first of some rows that compete, who may win in front; None if there are no rows.

    What attacks tell from retraining, or is farther from it than the original, comes behind what is
    like the original; what left the model as it was, is not done, or costs more than retraining
    comes last.
    """
    return min(
        rows,
        key=lambda line: (
            line not in found.ranked,
            bool({UNCHANGED, INCOMPLETE, DEAR} & set(found.bars[line.label])),
            bool({TOLD, WORSE} & set(found.bars[line.label])),
        ),
        default=None,
    )


def _competitors(found: Standings, needs: tuple[str, ...]) -> list[Line]:
    return [line for line in found.competitors if line.needs == needs]


def _answer(given: str, best: Line, found: Standings, original: Line | None, escape: Escape) -> str:
    parts = [
        f"{given}, {escape(best.label)} comes nearest to retraining: distance "
        f"{DISTANCE.cell(best)}, {price(best)}, {_loss(best)}"
    ]
    told, known = best.told
    if known:
        parts.append(f"attacks tell it from retraining in {told} of {known} runs")
    parts.append(_beside_nothing(found.bars[best.label], original, found.untold.get(best.label)))
    means = found.contest.means()
    first = min(_competitors(found, best.needs), key=lambda line: means[line.label])
    if first.label != best.label:
        further = [bar for bar in found.bars[first.label] if bar not in found.bars[best.label]]
        bars = " and ".join(BUT[bar] for bar in further)
        parts.append(f"{escape(first.label)} is nearer ({DISTANCE.mean(first)}), but {bars}")
    return "; ".join(parts) + "."


def _beside_nothing(bars: Sequence[str], original: Line | None, untold: str | None) -> str:
    """Whether a row is nearer to retraining than doing nothing."""
    if original is None:
        return "whether that is nearer than doing nothing is not known, for the original is missing"
    nothing = f"doing nothing ({DISTANCE.mean(original)})"
    if UNCHANGED in bars:
        return "it left the model as it was"
    if UNTESTED in bars:
        return f"whether that is nearer than {nothing} cannot be said ({untold})"
    if LIKE_ORIGINAL in bars:
        return f"its runs show no difference from {nothing}"
    return f"that is {'farther' if WORSE in bars else 'nearer'} than {nothing}"


def price(line: Line) -> str:
    """What a row costs, in words."""
    ratio = line.mean("flops_ratio")
    if ratio is None:
        return "cost unknown"
    share = f"{ratio:.2g} of" if ratio < 1 else f"{ratio:.1f} times"
    return f"{share} retraining's operations"


def _loss(line: Line) -> str:
    text = LOSS.mean(line)
    lost = "gained" if text.startswith("-") else "lost"
    return f"{text.removeprefix('-')} points of test accuracy {lost}"


def conclusions(found: Standings, escape: Escape = shown) -> list[str]:
    """Who is first, from how many rows it differs, what can be seen at all, and why not more."""
    sentences = []
    detectable = found.contest.detectable()
    if found.ranked:
        first, *groups = found.group_firsts
        sentences.append(
            f"First: {escape(first.label)} (needs {escape(first.needed)}; {price(first)}); it "
            f"{_apart(found.rivals)}."
        )
        sentences += [
            f"First of those that need {escape(line.needed)}: {escape(line.label)} ({price(line)})."
            for line in groups
        ]
    else:
        sentences.append("No row is first: beside each stands what bars it.")
        front, *others = [line.label for line in found.competitors]
        if others and detectable is not None:
            rivals = found.contest.compare_with(front, others)
            sentences.append(f"In front of them stands {escape(front)}; it {_apart(rivals)}.")
    if detectable is None:
        sentences.append(
            f"No difference between rows can be seen beyond chance: {found.shortage}."
            if found.shortage
            else "No difference between rows can be seen beyond chance."
        )
    else:
        sentences.append(
            f"With these runs, {found.discipline.difference(detectable)} between two rows "
            "is seen in about four cases of five, and a smaller one less often."
        )
        sentences += _reasons(found, escape)
    return sentences


def _apart(rivals: Mapping[str, Comparison]) -> str:
    apart = sum(each.is_clear for each in rivals.values())
    return f"differs clearly from {apart} of {len(rivals)} other rows"


def _reasons(found: Standings, escape: Escape) -> list[str]:
    """Why rows are marked as ones of which nothing can be said."""
    rows: dict[str, list[str]] = {}
    for line in found.rows:
        if UNTESTED in found.marks(line) and line.label in found.untold:
            rows.setdefault(found.untold[line.label], []).append(escape(line.label))
    return [
        f"{escape(UNTESTED)} beside {', '.join(labels)}: {reason}."
        for reason, labels in rows.items()
    ]
