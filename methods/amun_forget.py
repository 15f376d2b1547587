"""Teach what the model itself says of the nearest inputs that it gets wrong."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, frozen_copy, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._nearest import nearest


@dataclass(frozen=True)
class AmunForget(Method):
    """Fine-tune on the forget set and on its nearest adversarial examples, with their labels.

    min_theta L(D_f + D_a; theta), D_a = {(x + d, argmax of the original at x + d)},
    d the smallest that changes the label

    An utterance and its adversarial example are neighbours with different labels, so the model
    becomes as unsure of the utterance as of one that it never heard, and hardly changes elsewhere.
    This is the paper's setting without retained data.

    The radius of the attack doubles until the label changes, as in the paper. The attack aims at
    the wrong emotion that the model finds likeliest, where the paper's merely leaves the right
    one, and takes fewer steps than its 50. Whole utterances are attacked and fine-tuned on, so
    that the two stay neighbours.

    Attributes:
        learning_rate: of AdamW.
        steps: of the optimiser, at most.
        batch_size: utterances a step; as many adversarial examples come with them.
        radius: the first one tried, as a share of the input's L2 norm.
        doublings: how often the radius may double.
        attack_steps: gradients at each radius.
        step_size: of the attack, as a share of the radius.
        relabel: give the adversarial example's label to the utterance too; otherwise it keeps its
            own, as in the paper.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Ebrahimpour-Boroojeny et al. 2025, AMUN, ICML, arXiv:2503.00917"
    needs = frozenset({"forget"})
    smoke = {"steps": 2, "attack_steps": 5, "doublings": 3}
    variants = {"relabel": {"relabel": True}, "zero": {"relabel": True, "stop": "zero"}}
    search_space = {
        "learning_rate": (1e-5, 1e-3, "log"),
        "steps": (5, 28, "int"),
        "radius": (5e-3, 5e-2, "log"),
    }
    presets = {"transformer": {"learning_rate": 5e-6}}

    learning_rate: float = 0.00081
    steps: int = 25
    batch_size: int = 32
    radius: float = 0.0053
    doublings: int = 5
    attack_steps: int = 10
    step_size: float = 0.25
    relabel: bool = False
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        pairs = [
            (forget, nearest(original, forget, self))
            for forget in task.forget.batches(self.batch_size, crop=False)
        ]
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        aim = Aim(self.stop, task)
        for forget, wrong in islice(cycle(pairs), self.steps):
            labels = torch.cat([wrong.labels if self.relabel else forget.labels, wrong.labels])
            inputs = torch.cat([forget.inputs, wrong.inputs])
            loss = cross_entropy(model(inputs, forget.lengths.repeat(2)), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if aim.reached(model):
                break
        return model
