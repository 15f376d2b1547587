"""The leaderboard: a page made from the records alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tabulate import tabulate

from ser_unlearn.report.comparison import Cell, ranks
from ser_unlearn.report.lines import EQUAL, UNTESTED, Line, lines, marks, notes, yardstick
from ser_unlearn.report.tables import (
    COUNTS,
    LASTING,
    columns_of,
    has_lasting,
    lasting_row,
    table_row,
    within_of,
)
from ser_unlearn.report.text import markdown
from ser_unlearn.results.files import write_text
from ser_unlearn.results.records import Tuned, read_records

HEAD = """\
# Leaderboard

Which method should remove recordings from a speech emotion recogniser? Each table holds the
methods on one corpus, recipe and scenario, grouped by the data that they need; within a group the
one whose behaviour is nearest to the retrained model's stands first. Values are means over model
seeds and forget sets, ± half a 95 % interval (a bootstrap of model seeds and forget sets).

- **\\*** marks the method of a group that is nearest to retraining, **=** those that cannot be told
  from it: the test is paired, clustered by model and forget set, and corrected for the number of
  methods (Holm); with fewer than three runs no claim is made (**?**).
- **forgetting %**: share of the forget set that the model now gets wrong. More is not better:
  *retrain* shows what a model says that never heard the utterances.
- **test acc. %**, **test UAR %**: accuracy and unweighted average recall on unseen speakers.
- **MIA %**: accuracy of an attack that tells forgotten from never-seen utterances by their loss;
  50 is a guess.
- **attack AUC %**: the strongest of all membership attacks that were run: how often it ranks a
  forgotten utterance above a never-seen one of the training speakers, matched by emotion and
  length; 50 is a guess, and being the largest of several it lies a little above even for *retrain*.
  "cannot tell" stands where no attack tells even *original* from *retrain*.
- **within**: in how many runs the gap is no larger than the largest that models have which were
  retrained with other seeds: there, the method is as good as retraining as far as the gap can say.
- **told**: in how many runs an attack tells the model from the retrained one, of those in which an
  attack tells this model or the original from it; on whichever side: also a model that fits the
  forget set worse than one that never heard it.
- **runtime s**, **speed-up**, **FLOPs ratio**: the cost of the method alone, and against
  retraining.
- **gap to retrain**: mean absolute difference to the retrained model over forget, retain and test
  accuracy and MIA, in points; 0 is ideal.

Folded away below each table stands who bears the loss, and what lasts:

- **worst emotion**, **worst speaker**, **worst gender**: the largest loss of accuracy of such a
  group (of at least 10 utterances) in the test or the retain set, in points.
- **agreement**: share of the forget set, and of the test set, that the model and the retrained
  model take for the same emotion.
- **int8 return**, **pruned return**: accuracy on the forget set that comes back, in points, once
  weights are rounded to int8, and once the smallest 30 % of them are set to zero.
- **relearn steps**: steps of training on the forget set until it is known as well as to the
  original; 31 if it never is. Fewer than *retrain* takes: it was hidden, not forgotten.

This page is made by `ser-unlearn leaderboard` from the records in `results/`; do not edit it.
"""

FORGOTTEN = 0.92
"""Forgetting rate from which the loss of accuracy is compared: what Ren et al. 2025,
arXiv:2510.04251, report."""

RANKS = """\
Mean ranks by the gap to retraining, one rank a table; 1 is nearest. Two methods differ where their
mean ranks are further apart than the critical difference (Nemenyi, 5 %). The marks compare the
gaps themselves, over the runs of all tables."""

GROUPS = {
    (): "Controls",
    ("forget",): "From the forget set alone",
    ("forget", "statistics"): "From the forget set and statistics kept from training",
}


def make_leaderboard(results: Path) -> str:
    """The text of the leaderboard, from all records below a folder.

    Raises:
        UserError: if a record is damaged.
    """
    rows = lines(read_records(results))
    if not rows:
        return f"{HEAD}\nThere are no records yet.\n"
    parts = [HEAD]
    for key in dict.fromkeys((line.corpus, line.recipe, line.scenario) for line in rows):
        chosen = [line for line in rows if (line.corpus, line.recipe, line.scenario) == key]
        parts.append("## {}, recipe {}, scenario {}\n".format(*map(markdown, key)))
        parts.append(_origin(chosen) + "\n")
        for needs, tuned in dict.fromkeys((line.needs, line.tuned) for line in chosen):
            group = [line for line in chosen if (line.needs, line.tuned) == (needs, tuned)]
            parts.append(f"**{_title(needs, tuned)}**\n")
            group.sort(key=_distance)
            found = marks(group)
            parts.append(_table(group, found) + "\n")
            if needs:
                parts.extend(f"{sentence}\n" for sentence in _best(group, found))
        if has_lasting(chosen):
            parts.append(_lasting(chosen) + "\n")
        parts.extend(f"{sentence}\n" for sentence in (*yardstick(chosen), *notes(chosen, markdown)))
    parts.extend(_overall(rows))
    return "\n".join(parts)


def write_leaderboard(results: Path, page: Path) -> None:
    """Make the page anew from the records below a folder."""
    write_text(page, make_leaderboard(results))


def is_current(results: Path, page: Path) -> bool:
    """Whether the page on disk is what the records make."""
    return page.exists() and page.read_bytes() == make_leaderboard(results).encode()


def _title(needs: tuple[str, ...], tuned: Tuned | None) -> str:
    sets = " and ".join(f"the {markdown(name)} set" for name in needs)
    title = GROUPS.get(needs, f"From {sets}")
    if tuned is None:
        return title
    return f"{title}, tuned by {markdown(tuned.criterion)} with {tuned.trials} trials each"


def _distance(line: Line) -> float:
    found = line.mean("gap_to_retrain")
    return float("inf") if found is None else found


def _best(group: list[Line], found: Mapping[str, str]) -> list[str]:
    """Name the best of a sorted group; the retrained model itself, at distance 0, aside."""
    others = [line for line in group if 0 < _distance(line) < float("inf")]
    sentences = []
    if others:
        equals = [markdown(line.label) for line in others[1:] if found.get(line.label) == EQUAL]
        told = f", which cannot be told from {', '.join(equals)}" if equals else ""
        if UNTESTED in found.values():
            told = "; runs are too few for any claim"
        sentences.append(f"Nearest to retraining: **{markdown(others[0].label)}**{told}.")
    kept = [
        (drop, line.label)
        for line in others
        if (line.mean("forgetting_rate") or 0) >= FORGOTTEN
        and (drop := line.mean("test_accuracy_drop")) is not None
    ]
    if kept:
        points, label = min(kept)
        sentences.append(
            f"Of those that forget at least {FORGOTTEN:.0%}, **{markdown(label)}** loses the "
            f"least test accuracy: {points:.1f} points."
        )
    return sentences


def _overall(rows: Iterable[Line]) -> list[str]:
    """Mean ranks of the methods of each group over all tables, the retrained model aside."""
    groups: dict[tuple[tuple[str, ...], Tuned | None], dict[str, list[Line]]] = {}
    for line in rows:
        if line.needs and 0 < _distance(line) < float("inf"):
            group = groups.setdefault((line.needs, line.tuned), {})
            group.setdefault(line.label, []).append(line)
    parts = []
    for (needs, tuned), group in groups.items():
        tables = max(len(found) for found in group.values())
        complete = {label: found for label, found in group.items() if len(found) == tables}
        if tables > 1 and len(complete) > 1:
            parts.append(f"**{_title(needs, tuned)}**\n")
            parts.append(_ranking(complete) + "\n")
    return ["## Over all tables\n", f"{RANKS}\n", *parts] if parts else []


def _ranking(group: Mapping[str, list[Line]]) -> str:
    """The ranks of methods that stand in the same tables."""
    # One mean a table: runs that share a model or a forget set are not independent.
    found = ranks(
        {
            label: {
                Cell(line.corpus, line.recipe, line.scenario, 0, 0, 0): _distance(line)
                for line in rows
            }
            for label, rows in group.items()
        },
        "lower",
    )
    beside = marks([line for rows in group.values() for line in rows])
    order = sorted(found.means, key=lambda label: (found.means[label], label))
    text = _markdown(
        [
            [
                f"{markdown(label)} {beside.get(label, '')}".strip(),
                f"{found.means[label]:.1f}",
                within_of(group[label]),
            ]
            for label in order
        ],
        ["method", "mean rank", "within"],
    )
    apart = f"Critical difference: {found.critical_difference:.1f}."
    if found.p is not None:
        apart += f" Friedman's test: p = {found.p:.2g}."
    return f"{text}\n\n{apart}"


def _table(group: list[Line], found: Mapping[str, str]) -> str:
    columns = columns_of(group)
    cells = [table_row(line, columns, found.get(line.label, ""), markdown) for line in group]
    return _markdown(
        [[label, *rest] for label, _, *rest in cells],
        ["method", *(column.title for column in columns), *COUNTS],
    )


def _lasting(rows: list[Line]) -> str:
    """The second table of a scenario, folded away."""
    text = _markdown(
        [[label, *rest] for label, _, *rest in (lasting_row(line, markdown) for line in rows)],
        ["method", *(column.title for column in LASTING)],
    )
    summary = "Who bears the loss, and does forgetting last?"
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"


def _markdown(rows: list[list[str]], headers: list[str]) -> str:
    return tabulate(
        rows,
        headers=headers,
        tablefmt="github",
        disable_numparse=True,
        colalign=("left", *("right" for _ in headers[1:])),
    )


def _origin(rows: Iterable[Line]) -> str:
    """Seeds, sizes, code and machine of a table's records."""
    outcomes = [outcome for line in rows for outcome in line.outcomes]
    models = sorted({outcome.cell.model for outcome in outcomes})
    forgets = sorted({outcome.cell.forget for outcome in outcomes})
    commits = sorted({commit for outcome in outcomes for commit in outcome.commits})
    sizes = sorted({outcome.forget for outcome in outcomes})
    count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    machines = sorted({outcome.machine for outcome in outcomes})
    return (
        f"Model seeds {_list(models)}; forget sets {_list(forgets)}, {count} of "
        f"{outcomes[0].train} training utterances each; "
        f"commit {', '.join(commits) or 'unknown'}; {markdown('; '.join(machines))}, one thread."
    )


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
