"""Write what stands in the documents between `<!-- generated: NAME -->` and `<!-- end -->`.

    python docs/generate.py            # write it
    python docs/generate.py --check    # exit status 1 if anything would change

It comes from where it is declared: methods' classes, metrics, attacks, cards, records, studies.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import re
import runpy
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tabulate import tabulate

from ser_unlearn.data.cards import card_names, load_card
from ser_unlearn.evaluation.membership import ATTACKS, SIGHTS, Attack
from ser_unlearn.evaluation.prices import PRICES
from ser_unlearn.report.columns import COLUMNS, LASTING, WIPED
from ser_unlearn.report.links import paper_address
from ser_unlearn.report.standings import MEANINGS
from ser_unlearn.report.tables import render
from ser_unlearn.report.text import link, markdown
from ser_unlearn.results.meanings import METRICS
from ser_unlearn.results.records import read_records
from ser_unlearn.tuning.studies import Study, read_studies
from ser_unlearn.unlearning.method import Method
from ser_unlearn.unlearning.registry import list_methods, load_class

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

BLOCK = re.compile(r"(?<=<!-- generated: )([\w ]+) -->\n.*?(?=<!-- end -->)", re.DOTALL)

BEST = {
    "higher": "more",
    "lower": "less",
    "retrained": "as retrained models",
    "neither": "–",
}
"""Which way a metric is better, in a word."""

SHOWN = 2
"""Rows of each group in an extract of a table."""


def main() -> None:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    old = [page for page in PAGES if page.read_text(encoding="utf-8") != filled(page)]
    for page in old:
        if not check:
            page.write_text(filled(page), encoding="utf-8")
        print(page.relative_to(ROOT), "is old" if check else "written")
    sys.exit(1 if check and old else 0)


def filled(page: Path) -> str:
    """A page with its blocks made anew."""
    text = page.read_text(encoding="utf-8")
    return BLOCK.sub(lambda found: f"{found[1]} -->\n\n{BLOCKS[found[1]]().strip()}\n\n", text)


def methods() -> str:
    """A section for each method."""
    studies = list(read_studies(RESULTS))
    return "\n".join(
        _method(name, load_class(name), info.presets, studies)
        for name, info in list_methods(ROOT / "methods").items()
    )


def _method(
    name: str,
    cls: type[Method],
    presets: Mapping[str, Mapping[str, Any]],
    studies: Iterable[Study],
) -> str:
    summary, *body = paragraphs(cls)
    meanings = attributes(cls)
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    parts = [f"## {name}\n", f"{prose(summary)}\n"]
    parts += [formula(each) if _is_formula(each, place) else f"{prose(each)}\n"
              for place, each in enumerate(body)]  # fmt: skip
    needs = ", ".join(sorted(cls.needs)) or "nothing"
    parts.append(f"- needs: {needs}\n- from: {paper(cls.reference)}")
    for suffix, changes in cls.variants.items():
        values = ", ".join(f"`{field} = {value!r}`" for field, value in changes.items())
        label = f"{name}-{suffix}"
        found = origin(label, {**defaults, **changes}, cls, studies)
        parts.append(f"- row `{label}`: {values}" + (f"; {found}" if found else ""))
    for check, reason in cls.deliberate.items():
        parts.append(f"- on purpose, against the check `{check}`: {prose(reason)}")
    parts.append(f"- code: [methods/{name}.py](../methods/{name}.py)")
    if not defaults:
        return "\n".join(parts) + "\n"
    found = origin(name, defaults, cls, studies)
    if not found:
        found = "set by hand"
    elif not found.startswith("set by hand"):
        found += "; the others set by hand"
    parts.append(f"- defaults: {found}\n")
    rows = [
        [
            f"`{field}`",
            f"`{default!r}`",
            prose(meanings.get(field, "")),
            searched(cls.search_space.get(field)),
            *(f"`{each[field]!r}`" if field in each else "" for each in presets.values()),
        ]
        for field, default in defaults.items()
    ]
    headers = ["parameter", "default", "what it is", "tuning tries"]
    parts.append(table([*headers, *(f"{family} recipes" for family in presets)], rows))
    return "\n".join(parts) + "\n"


def origin(
    label: str, parameters: Mapping[str, Any], cls: type[Method], studies: Iterable[Study]
) -> str:
    """What the study of a row found; nothing if there is none, or it found other parameters."""
    for study in studies:
        if study.label != label:
            continue
        if study.best is None:
            return (
                f"set by hand: by none of {study.n_trials} trials on "
                f"{' and '.join(study.corpora)} was the forget set moved enough on every request "
                f"([study](../results/{study.path.as_posix()}))"
            )
        if study.best_parameters == parameters:
            found = ", ".join(f"`{field}`" for field in cls.search_space)
            return (
                f"{found} the best of {study.n_trials} trials by {study.criterion} on "
                f"{' and '.join(study.corpora)} ([study](../results/{study.path.as_posix()}))"
            )
    return ""


def searched(space: Any) -> str:
    """What tuning may try of a field."""
    if space is None:
        return ""
    if isinstance(space, tuple):
        low, high, scale = space
        return f"{low:g} to {high:g}" + ("" if scale == "int" else f", {scale}")
    return ", ".join(f"`{each!r}`" for each in space)


def metrics() -> str:
    """A table of all numbers that a record may hold."""
    shown = {column.metric: column.title for column in (*COLUMNS, *WIPED, *LASTING)}
    rows = [
        [f"`{name}`", prose(each.meaning), BEST[each.better], _bounds(each.least, each.most),
         prose(shown.get(name, ""))]
        for name, each in METRICS.items()
    ]  # fmt: skip
    return table(["metric", "what it is", "better is", "bounds", "column of tables"], rows)


def _bounds(least: float | None, most: float | None) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f"from {least:g}"
    return f"up to {most:.3g}" if least is None else f"{least:g} to {most:.3g}"


def marks() -> str:
    """What the marks of a table mean."""
    rows = [[f"**{prose(mark)}**", meaning] for mark, meaning in MEANINGS.items()]
    return table(["mark", "what it says of a row"], rows)


def attacks() -> str:
    """A section for each class of attacks."""
    kinds: dict[type[Attack], list[Attack]] = {}
    for attack in ATTACKS:
        kinds.setdefault(type(attack), []).append(attack)
    return "\n".join(_attack(cls, each) for cls, each in kinds.items())


def _attack(cls: type[Attack], made: list[Attack]) -> str:
    names = ", ".join(attack.name for attack in made)
    sees = "; ".join(SIGHTS[each] for each in sorted(cls.sees)) or "nothing more"
    parts = [f"### {names}\n", *(f"{prose(each)}\n" for each in paragraphs(cls))]
    parts += [
        f"- from: {paper(cls.reference)}",
        f"- effort: {cls.price}",
        f"- sees, beside the audited model's outputs: {sees}",
    ]
    fields = [
        f"`{field.name}`: {prose(attributes(cls)[field.name])}" for field in dataclasses.fields(cls)
    ]
    parts += [f"- {each}" for each in fields]
    return "\n".join(parts) + "\n"


def prices() -> str:
    """What attacks of each effort ask for."""
    rows = [
        [f"`{price}`", meaning, ", ".join(each.name for each in ATTACKS if each.price == price)]
        for price, meaning in PRICES.items()
    ]
    return table(["effort", "what it asks for", "attacks that it adds"], rows)


def corpora() -> str:
    """A section for each card of the project."""
    return "\n".join(_card(name) for name in card_names())


def _card(name: str) -> str:
    card = load_card(name)
    counts = [f"{card.utterances} utterances"] if card.utterances else []
    counts += [f"{card.speakers} speakers"] if card.speakers else []
    facts = [
        ("language", card.language),
        ("emotions", ", ".join(card.emotions)),
        ("size", ", ".join(counts) or "not counted"),
        ("licence", card.licence),
        ("to cite", card.citation),
        *(("known fault", each) for each in card.faults.notes),
    ]
    lines = [f"- {key}: {prose(' '.join(str(value).split()))}" for key, value in facts]
    head = f"## {name}\n\n{prose(card.title)} ([card](../datasets/{name}.yaml))\n"
    return "\n".join([head, *lines]) + "\n"


def calibration() -> str:
    """What the calibrations in `results/` found of the distance."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("calibration/*.json"))]
    return "\n\n".join(map(_calibration, found))


def _calibration(found: dict[str, Any]) -> str:
    agreement = "agreement of halves of so many references"
    half = found["references"] // 2
    joints = [
        [name, each[agreement][str(half)], each["variance between methods over the residual"]]
        for name, each in found["joints"].items()
    ]
    distances = found["distances"]
    rows = [
        ["a further retrained model", *(spread(e["further retrained models"]) for e in distances)],
        [
            "upper end of its 95 % prediction interval",
            *(f"{each['95 % of further retrained models are below']:.2f}" for each in distances),
        ],
        *(
            [f"fake: {fake}", *(f"{each['fakes'][fake]['distance']:.2f}" for each in distances)]
            for fake in distances[0]["fakes"]
        ),
        ["the original", *(f"{each['methods']['original']:.2f}" for each in distances)],
        [
            "the original with its logits halved",
            *(f"{each['the original with its logits halved']:.2f}" for each in distances),
        ],
        *(
            [f"told: {name}", *(told(each, name) for each in distances)]
            for name in ("further retrained models", "fakes")
        ),
    ]
    requests = [f"request {number}" for number in range(1, len(distances) + 1)]
    further = [each for one in distances for each in one["further retrained models"]]
    mean = sum(further) / len(further)
    head = (
        f"On {found['corpus']}, {found['scenario']}, recipe {found['recipe']}: "
        f"{found['requests']} requests, {found['references']} references each. "
        f"{len(further)} further retrained models are at {mean:.2f} in the mean.\n"
    )
    headers = ["forget and test set joined by", f"agreement of {half} and {half}", "variance ratio"]
    return "\n".join([head, table(headers, joints), "", table(["distance of", *requests], rows)])


def told(found: dict[str, Any], name: str) -> str:
    """How many of some models attacks tell from the references."""
    given = found["told"][name]
    return f"{given if isinstance(given, int) else len(given)} of {len(found[name])}"


def spread(values: Iterable[float]) -> str:
    """Numbers as the least to the most."""
    ordered = sorted(values)
    return f"{ordered[0]:.2f} to {ordered[-1]:.2f}"


def extract() -> str:
    """The beginning of what `ser-unlearn table` prints at 80 columns, with some rows a group."""
    text = render(list(read_records(RESULTS)), "terminal", 80)
    start = re.search(r"^.*: as if never heard$", text, re.MULTILINE).start()
    body = text[start:].split("\n\n")[0].splitlines()
    first = next(place for place, line in enumerate(body) if line.startswith("needs "))
    lines, count = body[:first], 0
    for line in body[first:]:
        count = 0 if line.startswith("needs ") else count + 1
        lines += [line] if count <= SHOWN else []
    return "```\n" + text[:start] + "\n".join(map(str.rstrip, lines)) + "\n```"


def script(path: str, name: str) -> str:
    """What a function gives of a script in `results/`."""
    return str(runpy.run_path(str(RESULTS / path))[name]())


def paragraphs(cls: type) -> list[str]:
    """The paragraphs of a class's docstring, without its attributes."""
    text = (inspect.getdoc(cls) or "").split("\nAttributes:\n")[0]
    return [each.strip("\n") for each in re.split(r"\n\s*\n", text) if each.strip()]


def attributes(cls: type) -> dict[str, str]:
    """What a class's docstring says of its fields."""
    _, _, text = (inspect.getdoc(cls) or "").partition("\nAttributes:\n")
    found = re.split(r"^ {4}(\w+): ", text, flags=re.MULTILINE)[1:]
    return {
        name: " ".join(meaning.split())
        for name, meaning in zip(found[::2], found[1::2], strict=True)
    }


def _is_formula(paragraph: str, place: int) -> bool:
    """Docstrings of methods have their formula first; a line of its own may begin a further one."""
    return place == 0 or paragraph.startswith(("min_", "max_"))


def formula(text: str) -> str:
    """A formula as it stands in the code."""
    return f"```text\n{text}\n```\n"


def paper(reference: str) -> str:
    """A reference, with a link to the paper if it names one."""
    address = paper_address(reference)
    return link(reference, address) if address else prose(reference)


def prose(text: str) -> str:
    """Text as Markdown that shows it as it is, but for code between backticks."""
    return markdown(" ".join(text.split())).replace("\\`", "`")


def table(headers: list[str], rows: list[list[Any]]) -> str:
    """A table in Markdown; what needs no space is left out."""
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True, stralign=None)


BLOCKS: dict[str, Callable[[], str]] = {
    "methods": methods,
    "metrics": metrics,
    "prices": prices,
    "attacks": attacks,
    "corpora": corpora,
    "calibration": calibration,
    "demands": lambda: script("forget-only/tables.py", "demands"),
    "ablation": lambda: script("forget-only/tables.py", "ablation"),
    "familiarity": lambda: script("forget-only/tables.py", "familiarity"),
    "marks": marks,
    "table": extract,
}

if __name__ == "__main__":
    main()
