"""A small world to audit: utterances, models of which it is known what they were trained with."""

from dataclasses import dataclass

import numpy as np

from ser_unlearn.evaluation.membership import (
    ATTACKS,
    Evidence,
    Outputs,
    References,
    Shadows,
    scores,
)

CLASSES = 4


@dataclass(frozen=True)
class World:
    """Gaussian utterances, and ridge regressions trained on random halves of them, at once.

    Each emotion is a Gaussian cloud; a quarter of the utterances are labelled at random. Those are
    hard to a model that never saw them and easy to one that did; the clear ones are always easy:
    what a loss means differs from utterance to utterance. With as many dimensions as half the
    utterances, a ridge regression learns what it trains on nearly by heart.

    The audited utterances come first: `members` of the forget set, then as many non-members; then
    the retain set, then the population.
    """

    seed: int
    members: int = 300
    models: int = 64
    dimensions: int = 300
    ridge: float = 30.0
    clarity: float = 0.4
    wrong: float = 1 / 4

    def __post_init__(self):
        random = np.random.default_rng(self.seed)
        total = 4 * self.members
        labels = random.integers(0, CLASSES, total)
        centres = self.clarity * random.standard_normal((CLASSES, self.dimensions))
        inputs = centres[labels] + random.standard_normal((total, self.dimensions))
        wrong = random.random(total) < self.wrong
        labels[wrong] = random.integers(0, CLASSES, wrong.sum())
        halves = random.permuted(
            np.broadcast_to(np.arange(total) % 2 == 0, (self.models, total)), axis=1
        )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "halves", halves)
        object.__setattr__(self, "shadow_logits", self.trained(halves))

    def trained(self, masks):
        """Logits [K, total, C] of a ridge regression for each mask [K, total]."""
        weights = masks.astype(float)
        gram = np.stack([(self.inputs.T * row) @ self.inputs for row in weights])
        gram += self.ridge * np.eye(self.dimensions)
        targets = np.eye(CLASSES)[self.labels]
        moments = np.stack([(self.inputs.T * row) @ targets for row in weights])
        return 8 * (self.inputs @ np.linalg.solve(gram, moments))

    def part(self, name):
        start = {"forget": 0, "heldout": 1, "retain": 2, "population": 3}[name] * self.members
        return slice(start, start + self.members)

    @property
    def audited(self):
        return slice(0, 2 * self.members)

    def model(self, *parts):
        """Logits [total, C] of the model trained with these parts."""
        mask = np.zeros((1, len(self.labels)), dtype=bool)
        for name in parts:
            mask[0, self.part(name)] = True
        return self.trained(mask)[0]

    def evidence(self, logits, unlearned_shadows=None):
        """What an auditor of the model with these logits [total, C] holds."""

        def outputs(places):
            return Outputs(logits[places], self.labels[places])

        def shadows(places, logits):
            return Shadows(logits[:, places], self.halves[:, places])

        audited, population = self.audited, self.part("population")
        return Evidence(
            target=outputs(audited),
            population=outputs(population),
            retain=outputs(self.part("retain")),
            shadows=shadows(audited, self.shadow_logits),
            population_shadows=shadows(population, self.shadow_logits),
            unlearned_shadows=(
                None if unlearned_shadows is None else shadows(audited, unlearned_shadows)
            ),
            original=self.model("forget", "retain")[audited],
        )


def flipped(logits):
    """The logits [..., C] with the highest and the second highest exchanged."""
    order = logits.argsort(axis=-1)
    exchanged = np.concatenate([order[..., :-2], order[..., :-3:-1]], axis=-1)
    made = np.empty_like(logits)
    np.put_along_axis(made, exchanged, np.take_along_axis(logits, order, axis=-1), axis=-1)
    return made


def retrained(world, count):
    """What the first three attacks find of models that differ a little from the retrained one."""
    logits = world.model("retain")
    moves = [np.sin((1 + k) * np.arange(logits.size)).reshape(logits.shape) for k in range(count)]
    found = [scores(world.evidence(logits + each), ATTACKS[:3]) for each in moves]
    return References(found, world.members)
