"""Documents: what files hold, and the numbers in them that records and studies share."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ser_unlearn.results.meanings import ROUNDING

# Bounded, so that no sum of a few is infinite.
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]
Share = Annotated[float, Field(allow_inf_nan=False, ge=-ROUNDING, le=1 + ROUNDING)]
Price = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e30)]
Count = Annotated[int, Field(ge=0)]


class Document(BaseModel):
    """What a file holds: nothing unknown, and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Filed(Document):
    """A document that says itself where it lies."""

    @property
    @abstractmethod
    def path(self) -> Path:
        """Its place below the results folder."""
