"""`check-corpus`: what a corpus holds, against what its card says; and the draft of a card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_unlearn.cli import options
from ser_unlearn.errors import UserError

if TYPE_CHECKING:
    from ser_unlearn.data.brought import Brought
    from ser_unlearn.data.corpus import Utterance
    from ser_unlearn.data.inspection import Inspection

LONGEST_LIST = 20
"""Lines of files or faults that are shown."""

SETS = ("train", "validation", "heldout", "test")


@click.command(name="check-corpus")
@click.argument("corpus", metavar="NAME|CARD|FOLDER")
@options.data_dir
@options.emotion_column
@options.speaker_column
@click.option(
    "--path-pattern",
    metavar="REGEX",
    help="Of a folder without a card: matches paths below it; groups emotion and speaker.",
)
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CARD",
    help="Write the card with what was found, to a new file that ends in .yaml.",
)
def check_corpus(
    corpus: str,
    data_dir: Path | None,
    emotion_column: str | None,
    speaker_column: str | None,
    path_pattern: str | None,
    write: Path | None,
) -> None:
    """Show what a corpus holds, and everything that a run would refuse.

    Recordings without a card are looked at as a card would have them that is drafted from columns
    (`--emotion-column`, `--speaker-column`) or paths (`--path-pattern`). Exits with 1 if there is
    something to mend.
    """
    from ser_unlearn.data.inspection import inspect
    from ser_unlearn.data.labels import LabelError
    from ser_unlearn.data.sources import folder_of
    from ser_unlearn.results.mirror import store_at
    from ser_unlearn.results.store import default_place

    if write is not None:
        _check_target(write)
    try:
        found = _brought(corpus, emotion_column, speaker_column, path_pattern)
    except LabelError as error:
        click.echo(_listed("To mend", error.faults))
        raise click.exceptions.Exit(1) from error
    folder = found.folder or folder_of(found.card, data_dir)
    inspected = inspect(found.card, store_at(default_place()), folder)
    click.echo(_report(inspected))
    if inspected.faults:
        click.echo(_listed("To mend", inspected.faults))
        raise click.exceptions.Exit(1)
    click.echo("Nothing is wrong with it.")
    if write is not None:
        _write(write, inspected)
        click.echo(f"Written to {write}. Fill in what it says is not stated.")


def _brought(
    corpus: str, emotion_column: str | None, speaker_column: str | None, path_pattern: str | None
) -> Brought:
    from ser_unlearn.data.brought import Brought, bring
    from ser_unlearn.data.cards import load_card
    from ser_unlearn.data.drafts import draft_by_paths

    if path_pattern is not None:
        folder = Path(corpus)
        if not folder.is_dir():
            raise UserError(f"--path-pattern: {corpus} is not a folder. Give the recordings'.")
        return Brought(draft_by_paths(folder, path_pattern), folder.resolve())
    ((name,), brought) = bring([corpus], emotion_column, speaker_column)
    return brought.get(name) or Brought(load_card(name))


def _check_target(path: Path) -> None:
    from ser_unlearn.results.names import fault_of

    if path.suffix != ".yaml" or fault_of(path.stem, in_path=True):
        raise UserError(f"--write {path}: a card's file is called after the corpus, NAME.yaml.")
    if path.exists():
        raise UserError(f"--write {path}: the file exists. Name a new one, or take it away.")


def _write(path: Path, found: Inspection) -> None:
    from ser_unlearn.data.drafts import to_yaml
    from ser_unlearn.results.files import write_text

    card = found.card
    counts = {
        "name": path.stem,
        "title": path.stem if card.title == card.name else card.title,
        "utterances": len(found.utterances),
        "speakers": len({each.speaker for each in found.utterances}),
    }
    write_text(path, to_yaml(card.model_copy(update=counts)))


def _report(found: Inspection) -> str:
    """What was found, as tables and lines."""
    if not found.utterances:
        return f"{found.card.name}: no recording could be read."
    parts = [_heading(found), _by_emotion(found), _by_speaker(found), *_lines(found)]
    return "\n".join(part for part in parts if part)


def _heading(found: Inspection) -> str:
    speakers = len({each.speaker for each in found.utterances})
    card = found.card
    expected = [
        f"{count} {what}"
        for count, what in ((card.utterances, "recordings"), (card.speakers, "speakers"))
        if count
    ]
    says = f"; the card says {', '.join(expected)}" if expected else ""
    return f"{card.name}: {len(found.utterances)} recordings by {speakers} speakers{says}\n"


def _by_emotion(found: Inspection) -> str:
    from tabulate import tabulate

    counts = Counter(each.emotion for each in found.utterances)
    headers = ["emotion", "recordings"]
    rows = [[emotion, counts[emotion]] for emotion in found.card.emotions]
    if found.split is not None:
        headers += SETS
        for row, emotion in zip(rows, found.card.emotions, strict=True):
            for name in SETS:
                places = getattr(found.split, name)
                row.append(sum(found.used[place].emotion == emotion for place in places))
    return str(tabulate(rows, headers, tablefmt="simple")) + "\n"


def _by_speaker(found: Inspection) -> str:
    from tabulate import tabulate

    counts = Counter(each.speaker for each in found.utterances)
    tested = {found.used[place].speaker for place in found.split.test} if found.split else set()
    rows = [
        [
            speaker,
            found.card.genders.get(speaker, "–"),
            count,
            "test" if speaker in tested else "training" if found.split else "–",
        ]
        for speaker, count in sorted(counts.items())
    ]
    shown = rows[:LONGEST_LIST]
    table = tabulate(
        shown, ["speaker", "gender", "recordings", "set"], tablefmt="simple", disable_numparse=True
    )
    more = len(rows) - len(shown)
    return f"{table}\n" + (f"and {more} more speakers\n" if more else "")


def _lines(found: Inspection) -> list[str]:
    lengths = [each.duration_s for each in found.utterances]
    rates = ", ".join(f"{rate} Hz ({count})" for rate, count in found.rates.most_common())
    lines = [
        f"lengths: {min(lengths):.1f} to {max(lengths):.1f} s, {sum(lengths) / len(lengths):.1f} s "
        f"in the mean, {sum(lengths) / 60:.1f} min in all",
        f"sampling rates: {rates}",
        f"silence at the ends: {sum(found.silence) / len(found.silence):.0%} of the time",
    ]
    copies = [
        " = ".join(each.name for each in group)
        + ("" if _agree(group) else " (labels disagree: none is used)")
        for group in found.copies
    ]
    notes = [
        _listed("The same recording, of which the first is used", copies),
        _listed("Recordings without speech", found.silent),
        _listed("Files that are no recordings of the corpus", found.unmatched),
        _listed("The card gives genders to speakers who do not speak", found.strangers),
    ]
    return [*lines, *notes]


def _agree(group: list[Utterance]) -> bool:
    return len({(each.emotion, each.speaker) for each in group}) == 1


def _listed(title: str, items: Sequence[str]) -> str:
    """A title with as many items as can be read; nothing if there are none."""
    from ser_unlearn.results.names import shown

    if not items:
        return ""
    lines = [f"  {shown(item, 400)}" for item in items[:LONGEST_LIST]]
    more = len(items) - len(lines)
    if more:
        lines.append(f"  and {more} more")
    return "\n".join([f"{title} ({len(items)}):", *lines])
