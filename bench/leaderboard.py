"""The leaderboard: a page made from the records alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from bench.records import Record, Tuned, read_records
from bench.store import write_text
from bench.tables import COLUMNS, Line, lines, notes, table_row

HEAD = """\
# Leaderboard

Which method should remove recordings from a speech emotion recogniser? Each table holds the
methods on one corpus, recipe and scenario, grouped by the data that they need; within a group the
one whose behaviour is nearest to the retrained model's stands first. Values are means over model
seeds and forget sets with 95 % intervals.

- **forgetting %**: share of the forget set that the model now gets wrong. More is not better:
  *retrain* shows what a model says that never heard the utterances.
- **test acc. %**, **test UAR %**: accuracy and unweighted average recall on unseen speakers.
- **MIA %**: accuracy of an attack that tells forgotten from never-seen utterances by their loss;
  50 is a guess.
- **runtime s**, **speed-up**, **FLOPs ratio**: the cost of the method alone, and against
  retraining.
- **gap to retrain**: mean absolute difference to the retrained model over forget, retain and test
  accuracy and MIA, in points; 0 is ideal.

This page is made by `ser-unlearn leaderboard` from the records in `results/`; do not edit it.
"""

GROUPS = {
    (): "Controls",
    ("forget",): "From the forget set alone",
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
        parts.append("## {}, recipe {}, scenario {}\n".format(*key))
        parts.append(_origin(chosen) + "\n")
        for needs, tuned in dict.fromkeys((line.needs, line.tuned) for line in chosen):
            group = [line for line in chosen if (line.needs, line.tuned) == (needs, tuned)]
            parts.append(f"**{_title(needs, tuned)}**\n")
            group.sort(key=_distance)
            parts.append(_table(group) + "\n")
            if needs:
                parts.extend(_best(group))
        parts.extend(f"{note}\n" for note in notes(chosen))
    return "\n".join(parts)


def write_leaderboard(results: Path, page: Path) -> None:
    """Make the page anew from the records below a folder."""
    write_text(page, make_leaderboard(results))


def is_current(results: Path, page: Path) -> bool:
    """Whether the page on disk is what the records make."""
    return page.exists() and page.read_text(encoding="utf-8") == make_leaderboard(results)


def _title(needs: tuple[str, ...], tuned: Tuned | None) -> str:
    sets = " and ".join(f"the {name} set" for name in needs)
    title = GROUPS.get(needs, f"From {sets}")
    if tuned is None:
        return title
    return f"{title}, tuned by {tuned.criterion} with {tuned.trials} trials each"


def _distance(line: Line) -> float:
    found = line.estimate("gap_to_retrain")
    return float("inf") if found is None else found.mean


def _best(group: list[Line]) -> list[str]:
    """Name the best of a sorted group; the retrained model itself, at distance 0, aside."""
    others = [line for line in group if 0 < _distance(line) < float("inf")]
    return [f"Nearest to retraining: **{others[0].label}**.\n"] if others else []


def _table(group: list[Line]) -> str:
    cells = [table_row(line) for line in group]
    return tabulate(
        [[label, *rest] for label, _, *rest in cells],
        headers=["method", *(column.title for column in COLUMNS), "runs"],
        tablefmt="github",
        disable_numparse=True,
        colalign=("left", *("right" for _ in COLUMNS), "right"),
    )


def _origin(rows: Iterable[Line]) -> str:
    """Seeds, sizes, code and machine of a table's records."""
    records: list[Record] = [record for line in rows for record in line.records]
    models = sorted({record.seeds.model for record in records})
    forgets = sorted({record.seeds.forget for record in records})
    commits = sorted(
        {
            f"`{checkout.commit[:10]}`" + ("" if checkout.clean else " (changed)")
            for record in records
            for checkout in (record.provenance, record.evaluation)
            if checkout and checkout.commit
        }
    )
    sizes = sorted({record.sizes["forget"] for record in records})
    count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    machines = sorted(
        {f"{each.provenance.processor}, {each.provenance.device}" for each in records}
    )
    return (
        f"Model seeds {_list(models)}; forget sets {_list(forgets)}, {count} of "
        f"{records[0].sizes['forget'] + records[0].sizes['retain']} training utterances each; "
        f"commit {', '.join(commits) or 'unknown'}; {'; '.join(machines)}, one thread."
    )


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
