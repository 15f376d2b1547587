"""Records of several machines in one results folder, none of them changed.

A document is taken if there is none in its place, or one that says less: a method that failed
elsewhere and is done here, metrics that were not computed elsewhere. Two that contradict each
other stop everything before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from ser_unlearn.results.documents import Filed
from ser_unlearn.results.files import write_bytes
from ser_unlearn.results.records import Record, results_errors

MEASURED = frozenset({"runtime_s", "speedup", "peak_memory_mb"})
"""Metrics that differ from run to run."""

OF_ALL_ATTACKS = frozenset({"attack_shift", "told_from_retrained"})
"""Metrics that depend on which membership attacks were run."""

_Filed = TypeVar("_Filed", bound=Filed)


@dataclass(frozen=True)
class Form(Generic[_Filed]):
    """A form of documents, and how two of the same path are compared."""

    name: str
    """In the plural."""
    read: Callable[[Path], Iterable[_Filed]]
    """All that a results folder has."""
    differences: Callable[[_Filed, _Filed], list[str]]
    """What two contradict each other in."""
    is_better: Callable[[_Filed, _Filed], bool]
    """Whether the first says all that the second does, and more; they do not contradict."""


@dataclass(frozen=True)
class Plan:
    """What a merge would do for one form of documents."""

    copies: dict[Path, Path] = field(default_factory=dict)
    """Folders, by the paths of the documents that are taken from them."""
    replaced: frozenset[Path] = frozenset()
    """Those of them that take another's place."""
    kept: int = 0
    """How many are left as they are."""
    contradictions: list[str] = field(default_factory=list)
    """Two files each, and what they differ in."""


def plan(results: Path, folders: Sequence[Path], form: Form[_Filed]) -> Plan:
    """Find out what is to be taken from where.

    Args:
        results: the results folder that is to hold all.
        folders: other results folders, in the order in which they are looked at.
        form: of the documents.

    Raises:
        UserError: if a document is damaged, or lies where another belongs.
    """
    found = {document.path: (document, results) for document in form.read(results)}
    own = {path: document for path, (document, _) in found.items()}
    contradictions = []
    for folder in folders:
        for theirs in form.read(folder):
            path = theirs.path
            if path not in found:
                found[path] = theirs, folder
                continue
            ours, place = found[path]
            different = form.differences(ours, theirs)
            if different:
                contradictions.append(f"{place / path} and {folder / path}: {', '.join(different)}")
            elif form.is_better(theirs, ours):
                found[path] = theirs, folder
    copies = {path: folder for path, (_, folder) in found.items() if folder != results}
    return Plan(copies, frozenset(own.keys() & copies), len(found) - len(copies), contradictions)


def carry_out(results: Path, plan: Plan) -> None:
    """Copy what a plan takes from elsewhere, byte for byte, each file whole or not at all.

    Raises:
        ResultsError: if the disk fails. What was copied until then is whole.
    """
    for path, folder in plan.copies.items():
        with results_errors(results):
            write_bytes(results / path, (folder / path).read_bytes())


def differences(one: Record, other: Record) -> list[str]:
    """What two records of the same path contradict each other in.

    Seconds and memory may differ, and so may metrics of which one record has a later revision.
    """
    if one.fingerprint != other.fingerprint:
        return [f"fingerprint {one.fingerprint} and {other.fingerprint}"]
    if one.status != "done" or other.status != "done":
        return []
    if not (_covers(one, other) or _covers(other, one)):
        return [f"revisions {_only(one, other)} and {_only(other, one)}"]
    shared = one.revisions.keys() & other.revisions.keys()
    if not shared or any(one.revisions[each] != other.revisions[each] for each in shared):
        return []
    same_families = one.revisions == other.revisions
    found = []
    for name in one.metrics.keys() | other.metrics.keys():
        value, also = one.metrics.get(name), other.metrics.get(name)
        comparable = same_families or (
            name not in OF_ALL_ATTACKS and value is not None and also is not None
        )
        if comparable and name not in MEASURED and value != also:
            found.append(f"{name} {value} and {also}")
    if same_families and one.attacks != other.attacks:
        found.append("attacks")
    return sorted(found)


def is_better(one: Record, other: Record) -> bool:
    """Whether a record says all that another of the same fingerprint does, and more."""
    if one.status != "done" or other.status != "done":
        return one.status == "done" and other.status != "done"
    return one.revisions != other.revisions and _covers(one, other)


def _covers(one: Record, other: Record) -> bool:
    """Whether a record has every family of metrics that another has, at no lower revision."""
    return all(one.revisions.get(family, -1) >= own for family, own in other.revisions.items())


def _only(one: Record, other: Record) -> str:
    """The families that a record has, and another not, or at a lower revision."""
    return ", ".join(
        f"{family}: {own}"
        for family, own in one.revisions.items()
        if other.revisions.get(family, -1) < own
    )
