"""Cards: what a YAML file says about a corpus."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ser_unlearn.data.origins import Model, Source
from ser_unlearn.data.voices import Synthesis
from ser_unlearn.errors import UserError, unknown_name
from ser_unlearn.plugins import plugins
from ser_unlearn.results.identity import digest
from ser_unlearn.results.names import Label, Part
from ser_unlearn.results.reading import parse_source, read_source
from ser_unlearn.results.records import TUNING

_PACKAGE = Path(__file__).resolve().parents[1]


# Inside the package where it came in a wheel, beside it in a checkout.
CARDS = next(
    folder for folder in (_PACKAGE / "cards", _PACKAGE.parent / "datasets") if folder.is_dir()
)


class Faults(Model):
    """What is known to be wrong with the recordings."""

    exclude: list[str] = Field([])
    """Names of recordings to leave out."""
    notes: list[str] = Field([])


class SplitRule(Model):
    """How a corpus is divided; the shares are of the utterances of the training speakers."""

    seed: int = 0
    test_speakers: float | list[Label] = 0.2
    """Share of the speakers, or the speakers themselves."""
    validation: float = Field(0.1, gt=0, lt=1)
    heldout: float = Field(0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _leaves_some_to_train(self) -> SplitRule:
        if self.validation + self.heldout >= 1:
            raise ValueError("validation and heldout leave nothing to train on")
        return self


class Card(Model):
    """What `datasets/<name>.yaml` says about a corpus."""

    name: Part
    title: str
    licence: str
    citation: str
    language: str
    utterances: int | None = Field(None, gt=0)
    """How many there are; None where nobody has counted."""
    speakers: int | None = Field(None, gt=1)
    emotions: list[Part] = Field(min_length=2)
    genders: dict[Label, Literal["female", "male"]] = Field({})
    faults: Faults = Faults()
    split: SplitRule = SplitRule()
    sources: list[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _synthesis_knows_genders(self) -> Card:
        """A synthesised corpus gives each voice's gender itself."""
        for source in self.sources:
            if isinstance(source, Synthesis) and not self.genders:
                genders = {name: voice.gender for name, voice in source.speakers.items()}
                return self.model_copy(update={"genders": genders})
        return self

    @property
    def digest(self) -> str:
        """Hash of all that the card says, prose aside."""
        prose = {"title", "licence", "citation", "language"}
        return digest(
            self.model_dump(mode="json", exclude={*prose, "faults"}, exclude_none=True)
            | {"exclude": self.faults.exclude}
        )


def card_names() -> list[str]:
    """The names of all corpora, sorted."""
    return sorted(_paths())


def _paths() -> dict[str, Path]:
    """The project's own cards, and those that installed packages bring."""
    own = {path.stem: path for path in CARDS.glob("*.yaml")}
    return own | {name: each.path for name, each in plugins("corpora", own).items()}


def load_card(name: str) -> Card:
    """Read and check `datasets/<name>.yaml`, or a card anywhere else.

    Args:
        name: of a corpus, or the path of a card, which ends in `.yaml`.

    Raises:
        UserError: if there is no such card, or it is not valid.
    """
    paths = _paths()
    if name.endswith(".yaml"):
        path = Path(name)
    elif name in paths:
        path = paths[name]
    else:
        raise unknown_name("corpus", name, paths)
    return parse_card(read_source("card", path), path)


# A run asks for the same few cards again and again, and YAML takes long.
@lru_cache(maxsize=16)
def parse_card(text: str, path: Path) -> Card:
    """Check the text of a card; `path` is what errors call it.

    Raises:
        UserError: if it is not YAML, or not a valid card.
    """
    card = parse_source("card", Card, text, path)
    if card.name != path.stem:
        raise UserError(f"The card {path} calls itself '{card.name}'. Rename one of the two.")
    if card.name == TUNING:
        raise UserError(
            f"The card {path} would put its records where the studies of tuning lie. Rename both."
        )
    return card
