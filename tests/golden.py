"""Golden numbers: stored beside the revision that they were computed at, and compared.

    python tests/golden.py STAGE ...

stores the numbers of stages whose revision was raised, of methods whose file has changed, and of
those that are new. It refuses to store other numbers under the same revision.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from stages import STAGES, Numbers, double_precision, method, nudged_toy, toy

from ser_unlearn.checks.subjects import Subject, subjects
from ser_unlearn.results.identity import digest
from ser_unlearn.results.revisions import REVISIONS

FILE = Path(__file__).with_name("golden.json")

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""Other kernels of the same library moved the numbers by 1e-9 of their size at most; the smallest
of the changes that the tests try, 1e-3 dB in a feature, by 1e-5."""

ROUNDED = 1e-4
"""Of speech rounded to 16 bits: another rounding of a few samples is no change."""


def stored() -> dict[str, Any]:
    """What is stored: by stage its revision and numbers, by method its code and numbers."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def computed(stage: str) -> Numbers:
    """The numbers of a stage, as JSON has them."""
    with double_precision():
        return _plain(STAGES[stage]())


def computed_by(subject: Subject) -> Numbers:
    """The numbers of a method, as JSON has them."""
    with double_precision():
        return _plain(method(subject, toy()))


def code_of(subject: Subject) -> str:
    """Hash of what a method's numbers are made with: its code, and the parameters of the run."""
    parameters = dataclasses.asdict(subject.method({}))  # type: ignore[call-overload]
    return digest({"code": subject.info.code, "parameters": parameters})


def steady(subject: Subject, numbers: Numbers) -> Numbers:
    """Those of a method's numbers that rounding cannot change.

    SCRUB's first step leaves its teacher, where the gradient is nothing but rounding.
    """
    with double_precision():
        nudged = _plain(method(subject, nudged_toy()))
    return {
        name: value
        for name, value in numbers.items()
        if not any(differences(value, nudged[name], RELATIVE / 10))
    }


def _plain(numbers: Numbers) -> Numbers:
    plain: Numbers = json.loads(json.dumps(numbers))
    return plain


def differences(now: Any, then: Any, tolerance: float, name: str = "") -> Iterator[str]:
    """What is not the same, a line each."""
    if isinstance(now, Mapping) and isinstance(then, Mapping):
        for key in dict.fromkeys((*then, *now)):
            missing = "nothing"
            yield from differences(now.get(key, missing), then.get(key, missing), tolerance, key)
    elif isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        for place, pair in enumerate(zip(now, then, strict=True)):
            yield from differences(*pair, tolerance, f"{name}[{place}]")
    elif isinstance(now, float) and isinstance(then, float):
        if not math.isclose(now, then, rel_tol=tolerance, abs_tol=ABSOLUTE):
            yield f"{name}: {now!r}, stored {then!r}"
    elif now != then:
        yield f"{name}: {now!r}, stored {then!r}"


def fault(stage: str, now: Numbers, then: Numbers) -> str:
    """What is to be said of a stage's numbers; nothing where they are the stored ones."""
    tolerance = ROUNDED if stage == "synthesis" else RELATIVE
    found = list(differences(now, then, tolerance))
    if not found:
        return ""
    return (
        f"raise the revision of {stage}, or mend the change: {len(found)} golden numbers differ, "
        f"the first {found[0]}"
    )


def fault_of(now: Numbers, then: Mapping[str, Any]) -> str:
    """What is to be said of a method's numbers, as far as they are stored."""
    held = {name: now.get(name) for name in then["numbers"]}
    return fault("unlearning", held, then["numbers"])


def store(stages: list[str]) -> None:
    """Store the numbers of stages, and of methods with the stage "unlearning"."""
    kept = stored() if FILE.exists() else {"stages": {}, "methods": {}}
    for stage in stages:
        number, then = REVISIONS[stage].number, kept["stages"].get(stage)
        now = computed(stage)
        if then and then["revision"] == number and (said := fault(stage, now, then["numbers"])):
            sys.exit(f"{stage}: {said}")
        kept["stages"][stage] = {"revision": number, "numbers": now}
    if "unlearning" in stages:
        _store_methods(kept)
    text = json.dumps(kept, indent=1, sort_keys=True, allow_nan=False) + "\n"
    FILE.write_text(text, encoding="utf-8")


def _store_methods(kept: dict[str, Any]) -> None:
    number = REVISIONS["unlearning"].number
    rows = {subject.label: subject for subject in subjects()}
    before, kept["methods"] = kept["methods"], {}
    for label, subject in rows.items():
        then, now = before.get(label), computed_by(subject)
        if then and (then["code"], then["revision"]) == (code_of(subject), number):
            if said := fault_of(now, then):
                sys.exit(f"{label}: {said}")
            kept["methods"][label] = then
        else:
            kept["methods"][label] = {
                "code": code_of(subject),
                "revision": number,
                "numbers": steady(subject, now),
            }


if __name__ == "__main__":
    torch.set_num_threads(1)
    store(sys.argv[1:])
