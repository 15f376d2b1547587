"""A forget request: a model, what it is to forget, and the model that never knew it."""

from __future__ import annotations

from functools import cached_property

from bench.evaluation import Reference
from bench.setup import Setup, Trained
from bench.splits import draw_forget_set


class Request:
    """What all methods that answer one forget request have in common.

    Args:
        setup: corpus and recipe.
        scenario: how the forget set is drawn.
        model_seed: the seed that the original and the retrained model are trained with.
        forget_seed: the seed that the forget set is drawn with.

    Raises:
        UserError: if the scenario asks for more than there is.
    """

    def __init__(self, setup: Setup, scenario: str, model_seed: int, forget_seed: int) -> None:
        self.setup = setup
        self.model_seed = model_seed
        self.forget_seed = forget_seed
        self.train = setup.split.train
        """Positions of what the original was trained on."""
        forget = draw_forget_set(scenario, setup.corpus.utterances, self.train, forget_seed)
        self.before: Request | None = None
        """The request that the same method has answered before this one, if there is one: the
        model that it left is then the one to unlearn from."""
        self.sets = {
            "forget": forget,
            "retain": sorted(set(self.train) - set(forget)),
            "validation": setup.split.validation,
            "heldout": setup.split.heldout,
            "test": setup.split.test,
        }
        """Positions of all sets, sorted."""

    def names(self, name: str) -> list[str]:
        """The names of a set's utterances."""
        return [self.setup.corpus.utterances[place].name for place in self.sets[name]]

    @cached_property
    def original(self) -> Trained:
        """The model trained on the whole training set."""
        return self.setup.trained(self.train, self.model_seed)

    @cached_property
    def retrained(self) -> Trained:
        """The model trained from scratch on the retain set."""
        return self.setup.trained(self.sets["retain"], self.model_seed)

    @cached_property
    def reference(self) -> Reference:
        """What the metrics of every answer compare it with."""
        return Reference(
            self.original.logits,
            self.retrained.logits,
            self.setup.labels,
            self.setup.split,
            self.sets["forget"],
            self.forget_seed,
        )
