"""What a method is: one file in `methods/`, one class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ser_unlearn.recogniser.model import Recogniser
    from ser_unlearn.unlearning.task import Task

DELIBERATE = {
    "whole_model": "it changes the classifier alone",
    "divergence_direction": "its divergence is KL(student || teacher)",
    "wrong_labels": "some of the forget set keeps its true labels while the rest is relabelled",
    "last_step": "it ends with a step on the forget set alone, though it has the retain set",
}
"""What is a fault in most methods and right in some: by the name of the check that finds it."""


@dataclass(frozen=True)
class Method(ABC):
    """An unlearning algorithm. The fields of a subclass are its hyper-parameters.

    A subclass is a frozen dataclass in a file of its own; the file's stem is the method's name.
    Every field has a type among bool, int, float and str, and a default, written here and nowhere
    else.
    """

    reference: ClassVar[str]
    """Authors, year and identifier of the paper."""

    needs: ClassVar[frozenset[str]]
    """The data that the method touches: keys of `declared.DATA`. Others are an error."""

    smoke: ClassVar[Mapping[str, Any]] = {}
    """Values of fields that make a run as short as a test needs it."""

    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Further rows of the tables: a suffix of the method's name, and what its fields become."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Other values for a family of recipes (`Layout.family`), of all rows: by field. What the user
    says goes before."""

    search_space: ClassVar[Mapping[str, Any]] = {}
    """What tuning may try: a list of values, or (low, high, "linear", "log" or "int")."""

    learns_statistics: ClassVar[bool] = False
    """Whether it means to change the running statistics of batch normalisation."""

    deliberate: ClassVar[Mapping[str, str]] = {}
    """Checks of `check-method` that find what this method means to do, each with the reason why;
    keys of `DELIBERATE`."""

    @abstractmethod
    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        """Make the model forget.

        Args:
            model: the original model in eval mode, a private copy that may be changed in place.
            task: the data that `needs` declares, randomness, and helpers.

        Returns:
            The unlearned model, of the same architecture.
        """
