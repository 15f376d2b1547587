"""Suites: named grids of corpora, recipes, scenarios, methods and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.evaluation.distance import FEWEST
from ser_unlearn.evaluation.prices import Price
from ser_unlearn.results.reading import parse_source, read_source
from ser_unlearn.unlearning.request import MOST_REFERENCES

SUITES = Path(__file__).parent / "suites"

FIRST_TUNING_SEED = 1000
"""Methods are tuned on model seeds and forget seeds from here on; runs use those below."""

TIMEOUT_S = 1800.0
"""What a method may take where no suite says it (seconds), as in the suite `paper`."""


Names = Annotated[list[str], Field(min_length=1)]


class Suite(BaseModel):
    """A grid: every combination of its fields is a job."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    description: str
    corpora: Names
    recipes: Names
    scenarios: Names | dict[str, Names]
    """Of every corpus, or by corpus."""
    methods: list[str] = []
    """Rows of the tables; none stands for every row of every method."""
    runs: int = Field(ge=1)
    """How many, each with an original model and a forget set of its own."""
    method_seeds: int = Field(default=1, ge=1)
    """How often every method answers each request."""
    attacks: Price = "simple"
    """The dearest membership attacks to run."""
    durability: bool = False
    """Whether to see what is left of forgetting once a model is compressed, or trained on."""
    references: int = Field(ge=FEWEST, le=MOST_REFERENCES)
    """How many models retrained with seeds of their own each request has."""
    timeout_s: float = Field(gt=0)
    """A method that takes longer is stopped (seconds)."""

    @model_validator(mode="after")
    def _every_corpus_has_scenarios(self) -> Suite:
        if isinstance(self.scenarios, dict) and set(self.scenarios) != set(self.corpora):
            raise ValueError("scenarios by corpus have to name the suite's corpora, all of them")
        return self

    def scenarios_of(self, corpus: str) -> list[str]:
        """The scenarios of a corpus.

        Raises:
            UserError: if they are given by corpus, and not for this one.
        """
        if not isinstance(self.scenarios, dict):
            return self.scenarios
        if corpus not in self.scenarios:
            raise UserError(
                f"The suite has no scenarios for the corpus '{corpus}'. Give --scenario, or choose "
                f"among {', '.join(self.scenarios)}."
            )
        return self.scenarios[corpus]


def changed(suite: Suite, changes: Mapping[str, Any]) -> Suite:
    """A suite with other parts; a part that is empty or None is left as it is."""
    return suite.model_copy(update={field: value for field, value in changes.items() if value})


def suite_names() -> list[str]:
    """The names of all suites, sorted."""
    return sorted(path.stem for path in SUITES.glob("*.yaml"))


def load_suite(name: str) -> Suite:
    """Read and check the suite's file; a suite is named, or given by its path.

    Raises:
        UserError: if there is no such suite, or it is not valid.
    """
    if name.endswith(".yaml") and Path(name).is_file():
        return parse_suite(read_source("suite", Path(name)), Path(name))
    if name not in suite_names():
        raise unknown_name("suite", name, suite_names())
    path = SUITES / f"{name}.yaml"
    return parse_suite(read_source("suite", path), path)


def parse_suite(text: str, path: Path) -> Suite:
    """Check the text of a suite; `path` is what errors call it.

    Raises:
        UserError: if it is not YAML, or not a valid suite.
    """
    return parse_source("suite", Suite, text, path)
