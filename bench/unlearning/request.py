"""A forget request: a model, what it is to forget, and the model that never knew it."""

from __future__ import annotations

from functools import cached_property

from ser_unlearn.data import scenarios
from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.results.findings import Drawn
from ser_unlearn.results.identity import digest

FIRST_REFERENCE_SEED = 3_000_000
"""Of the seeds that references are trained with: out of the way of all others."""

MOST_REFERENCES = 1000
"""That a request can have: as many seeds are kept for each model seed."""


def reference_seed(model_seed: int, number: int) -> int:
    """What a reference is trained with: none of the original's, or of another model seed's."""
    return FIRST_REFERENCE_SEED + MOST_REFERENCES * model_seed + number


class Request:
    """What all methods that answer one forget request have in common.

    Args:
        setup: corpus and recipe.
        scenario: how the forget set is drawn; a single request of a sequence.
        model_seed: the seed that the original and the retrained model are trained with.
        forget_seed: the seed that the forget set is drawn with.

    Raises:
        UserError: if the scenario asks for more than there is.
    """

    def __init__(self, setup: Setup, scenario: str, model_seed: int, forget_seed: int) -> None:
        self.setup = setup
        self.scenario = scenario
        self.model_seed = model_seed
        self.forget_seed = forget_seed
        self.train = setup.split.train
        """Positions of what the original was trained on."""
        forget = setup.forget_set(scenario, forget_seed, model_seed)
        earlier = scenarios.before(scenario)
        self.before = None if earlier is None else Request(setup, earlier, model_seed, forget_seed)
        """The request that the same method has answered before this one, if there is one: the
        model that it left is then the one to unlearn from."""
        forgotten = [] if self.before is None else self.before.so_far
        self.so_far: list[int] = sorted(forgotten + forget)
        """Positions of all that was to be forgotten up to this request, its own set included."""
        self.sets = {
            "forget": forget,
            "retain": sorted(set(self.train) - set(self.so_far)),
            "validation": setup.split.validation,
            "heldout": setup.split.heldout,
            "test": setup.split.test,
            **({"forgotten": forgotten} if forgotten else {}),
        }
        """Positions of all sets, sorted and disjoint; "forgotten" is what earlier requests took."""

    def names(self, name: str) -> list[str]:
        """The names of a set's utterances."""
        return [self.setup.corpus.utterances[place].name for place in self.sets[name]]

    @cached_property
    def sets_digest(self) -> str:
        """Hash of the names of all utterances that a method may be handed."""
        return digest({name: self.names(name) for name in ("forget", "retain", "validation")})

    @property
    def drawn(self) -> Drawn | None:
        """What a record says of a forget set that hangs on an original; None for all others."""
        if not scenarios.kind_of(self.scenario).ranks_by_loss:
            return None
        identity = self.setup.draw_identity(self.scenario, self.forget_seed, self.model_seed)
        return Drawn(key=digest(identity), names=self.names("forget"))

    @cached_property
    def original(self) -> Trained:
        """The model trained on the whole training set."""
        return self.setup.original(self.model_seed)

    @property
    def checkpoint(self) -> str | None:
        """What the original is known by, if it was trained elsewhere."""
        return self.setup.checkpoint

    @cached_property
    def retrained(self) -> Trained:
        """The model trained from scratch on the retain set."""
        return self.setup.trained(self.sets["retain"], self.model_seed)

    def references(self, count: int) -> list[Trained]:
        """Further retrained models, each with a seed of its own."""
        return [
            self.setup.trained(self.sets["retain"], reference_seed(self.model_seed, number))
            for number in range(count)
        ]
