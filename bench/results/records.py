"""Records: one JSON file for each result, with all that it takes to trust and repeat it."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from ser_unlearn.errors import ResultsError, UserError
from ser_unlearn.results.documents import Count, Document, Filed, Number, Price, Share
from ser_unlearn.results.files import disk_errors, write_text
from ser_unlearn.results.findings import Attack, Drawn, WorstGroup
from ser_unlearn.results.meanings import METRICS
from ser_unlearn.results.names import Label, Part, check_name, shown
from ser_unlearn.results.reading import (
    LONGEST_JSON,
    UnreadableError,
    fill,
    parse_json,
    read_bytes,
    read_text,
)

LONGEST_REASON = 5000


def _storable(text: Any) -> Any:
    """A message of whatever length and characters, as a file can hold it."""
    if not isinstance(text, str):
        return text
    return text.encode("utf-8", "backslashreplace").decode()[:LONGEST_REASON]


Reason = Annotated[str, BeforeValidator(_storable)]
"""Why a method is not done: what it raised."""

Status = Literal["done", "failed", "timeout", "memory", "unsupported"]

SETS = ("forget", "retain", "validation", "heldout", "test")
"""The sets that every record knows the sizes of."""

TUNING = "tuning"
"""The folder of the results that holds studies (`ser_unlearn.tuning.studies`) and no records."""


_Filed = TypeVar("_Filed", bound=Filed)


class Seeds(Document):
    """The three seeds, which vary independently."""

    model: Count
    forget: Count
    method: Count


class Checkout(Document):
    """The code that made a number."""

    version: str
    commit: str | None = Field(pattern=r"^[0-9a-f]{7,64}$")
    """The git commit, where the project runs from a checkout."""
    clean: bool | None
    """Whether the checkout was that commit, results and leaderboard aside."""


class Provenance(Checkout):
    """Where a number comes from: code, packages and machine."""

    python: str
    packages: dict[str, str]
    processor: str
    device: str
    threads: int = Field(ge=1)

    def checkout(self) -> Checkout:
        """The code alone."""
        return Checkout(version=self.version, commit=self.commit, clean=self.clean)


class Tuned(Document):
    """How the parameters of a row were found."""

    criterion: str
    """What the best trial was chosen by: a name in `ser_unlearn.tuning.criteria`."""
    trials: int
    """How many were spent, failed ones among them."""


class Record(Filed):
    """The result of one method on one forget set with one set of seeds."""

    schema_version: Literal[2] = 2
    corpus: Part
    card: str
    """Hash of the corpus's card."""
    recipe: Part
    recipe_digest: str
    checkpoint: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Hash of the original's weights, if it was not trained here as the recipe says."""
    scenario: Part
    label: Part
    """The row of the tables: method, variant, and what a user or tuning changed."""
    method: Part
    needs: list[Label]
    reference: str
    parameters: dict[str, bool | int | float | str]
    tuned: Tuned | None = None
    """None for parameters that tuning did not find."""
    seeds: Seeds
    fingerprint: str
    """Hash of all that determines what the method leaves behind: data, recipe, the method's code,
    parameters, seeds, packages, and the revisions of the stages of the harness."""
    revisions: dict[str, Count] = Field(default_factory=dict)
    """Of each family of metrics and attacks that was computed: see `results.revisions`."""
    references: Count = 0
    """How many models retrained with other seeds `distance` is to; 0 if it was not measured."""
    status: Status
    reason: Reason = ""
    sizes: dict[str, Count]
    """How many utterances each set has: those of `SETS`, and in a sequence "forgotten"."""
    drawn: Drawn | None = None
    """The forget set, if it hangs on the original."""
    metrics: dict[str, Number | None]
    """By their names in `ser_unlearn.results.meanings`; None where a metric has no value."""
    attacks: dict[str, Attack] = Field(default_factory=dict)
    """Every membership attack by its name. The intervals of all AUCs of a record hold at once in
    95 % of cases, and so do those of all true positive rates."""
    curve: list[tuple[Price, Share]] = Field(default_factory=list)
    """How a method forgot that looks at the forget set while it works: for each look the share of
    retraining's floating-point operations that were spent, and the accuracy on the forget set."""
    worst: dict[str, WorstGroup] = Field(default_factory=dict)
    """The groups that lost most, by how the corpus is divided: those of "worst_..._drop"."""
    provenance: Provenance
    """Where the method ran: of the unlearned model, its outputs and the costs."""
    log: str | None = None
    """The file below the store that keeps what the method printed; None if it printed nothing."""
    evaluation: Checkout | None = None
    """What last made metrics of the outputs, where it was not the code that ran the method."""

    @model_validator(mode="after")
    def _agrees(self) -> Record:
        lacking = [name for name in SETS if name not in self.sizes]
        if lacking:
            raise ValueError(f"the size of the set '{lacking[0]}' is missing")
        if self.status == "done" and self.reason:
            raise ValueError("it is done, and yet has a reason why not")
        found = (self.metrics, self.attacks, self.revisions, self.curve, self.worst)
        if self.status != "done" and any(found):
            raise ValueError("it is not done, and yet has metrics, attacks, revisions or groups")
        for name, value in self.metrics.items():
            if name not in METRICS:
                raise ValueError(f"there is no metric '{shown(name, 80)}'")
            if value is not None and not METRICS[name].holds(value):
                raise ValueError(f"the metric {name} cannot be {value:g}")
        return self

    @property
    def path(self) -> Path:
        """Where the record lives below the results folder."""
        return record_path(self.corpus, self.recogniser, self.scenario, self.label, self.seeds)

    @property
    def recogniser(self) -> str:
        """What tables call the recipe and, if it was trained elsewhere, the model."""
        return recogniser_name(self.recipe, self.checkpoint)


class Claim(BaseModel):
    """What a record says of itself that tells whether it is still to be made."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    revisions: dict[str, int] = {}
    references: int = 0
    status: Status


def read_claim(results: Path, path: Path) -> Claim:
    """Look at a record without checking all that it holds, as `read_record` does.

    Raises:
        UserError: as `read_record` does, if nothing can be made of the file.
    """
    try:
        return Claim.model_validate_json(read_bytes(path, LONGEST_JSON))
    except (UnreadableError, ValidationError):
        return Claim.model_validate(read_record(results, path).model_dump())


def recogniser_name(recipe: str, checkpoint: str | None) -> str:
    """A recipe's name, or that of a model of it that was trained elsewhere."""
    return recipe if checkpoint is None else f"{recipe}@{checkpoint[:12]}"


def record_path(corpus: str, recipe: str, scenario: str, label: str, seeds: Seeds) -> Path:
    """Where a record lives below the results folder: its path says what it is.

    Raises:
        UserError: if a name cannot be a part of a path.
    """
    name = f"model{seeds.model}-forget{seeds.forget}-method{seeds.method}.json"
    row = check_name("row", label, in_path=True)
    return folder_of(corpus, recipe, scenario).joinpath(row, name)


@lru_cache(maxsize=256)
def folder_of(corpus: str, recipe: str, scenario: str) -> Path:
    """The folder of one table; raises what `record_path` raises."""
    return Path(
        check_name("corpus", corpus, in_path=True),
        check_name("recipe", recipe, in_path=True),
        check_name("scenario", scenario_folder(scenario), in_path=True),
    )


def scenario_folder(scenario: str) -> str:
    """A scenario's name as that of a folder."""
    return scenario.replace(":", "-").replace("%", "pct")


def write_record(results: Path, record: Record) -> None:
    """Write a record to its place; raises what `write_filed` raises."""
    write_filed(results, record)


def write_filed(results: Path, document: Filed) -> None:
    """Write a document as JSON to its place below the results folder, whole or not at all.

    Raises:
        ResultsError: if the disk fails.
    """
    text = json.dumps(document.model_dump(mode="json"), indent=2, allow_nan=False) + "\n"
    with results_errors(results):
        write_text(results / document.path, text)


def results_errors(results: Path) -> AbstractContextManager[None]:
    """Raise what the operating system refuses to write into a results folder as a ResultsError."""
    return disk_errors(
        lambda reason: ResultsError(
            f"The results in {results} cannot be written: {reason}. "
            "Free space, or name another folder with --results."
        )
    )


def read_record(results: Path, path: Path) -> Record:
    """Read a record and check it against its place; raises what `read_filed` raises."""
    return read_filed("record", results, path, Record)


def read_filed(kind: str, results: Path, path: Path, form: type[_Filed]) -> _Filed:
    """Read a JSON file that `write_filed` wrote, and check it against its place.

    Args:
        kind: what a message calls it.
        results: the results folder.
        path: the file.
        form: what it must hold.

    Raises:
        UserError: if it is damaged, or lies where another belongs.
    """
    try:
        document = fill(form, parse_json(read_text(path, LONGEST_JSON)))
    except UnreadableError as error:
        raise UserError(
            f"The {kind} {path} is damaged ({error}). "
            "Delete it and run again, or restore it from version control."
        ) from error
    if results / document.path != path:
        raise UserError(
            f"The {kind} {path} describes {document.path}. "
            "Move it there, or delete it and run again."
        )
    return document


def read_records(
    results: Path, corpus: str | None = None, recipe: str | None = None
) -> Iterator[Record]:
    """Read the records below a folder, in the order of their paths.

    Args:
        results: the results folder.
        corpus: only those of this corpus.
        recipe: only those of this recipe.

    Raises:
        UserError: if one is damaged, or lies where another belongs.
    """
    where = "/".join("*" if each is None else glob.escape(each) for each in (corpus, recipe))
    for path in sorted(results.glob(f"{where}/*/*/*.json")):
        if path.relative_to(results).parts[0] != TUNING:
            yield read_record(results, path)
