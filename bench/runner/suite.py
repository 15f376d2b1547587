"""Suites: named grids of corpora, recipes, scenarios, methods and seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ser_unlearn.errors import unknown_name
from ser_unlearn.evaluation.distance import FEWEST
from ser_unlearn.evaluation.prices import Price
from ser_unlearn.results.reading import parse_source, read_source
from ser_unlearn.unlearning.request import MOST_REFERENCES

SUITES = Path(__file__).parent / "suites"

FIRST_TUNING_SEED = 1000
"""Methods are tuned on model seeds and forget seeds from here on; reported runs use those below."""

TIMEOUT_S = 1800.0
"""What a method may take where no suite says it (seconds), as in the suite `paper`."""


class Suite(BaseModel):
    """A grid: every combination of its fields is a job."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    description: str
    corpora: list[str] = Field(min_length=1)
    recipes: list[str] = Field(min_length=1)
    scenarios: list[str] = Field(min_length=1)
    methods: list[str] = []
    """Rows of the tables; none stands for every row of every method."""
    model_seeds: int = Field(ge=1)
    """How many: 0, 1, 2 ..."""
    forget_seeds: int = Field(ge=1)
    method_seeds: int = Field(default=1, ge=1)
    """How often every method runs on each forget set."""
    attacks: Price = "simple"
    """The dearest membership attacks to run."""
    durability: bool = False
    """Whether to see what is left of forgetting once a model is compressed, or trained on."""
    references: Literal[0] | Annotated[int, Field(ge=FEWEST, le=MOST_REFERENCES)] = 0
    """How many models retrained with other seeds distance is measured to; 0 for no distance."""
    timeout_s: float = Field(gt=0)
    """A method that takes longer is stopped (seconds)."""


def suite_names() -> list[str]:
    """The names of all suites, sorted."""
    return sorted(path.stem for path in SUITES.glob("*.yaml"))


def load_suite(name: str) -> Suite:
    """Read and check the suite's file.

    Raises:
        UserError: if there is no such suite, or it is not valid.
    """
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
