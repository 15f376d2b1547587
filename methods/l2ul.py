"""Climb the loss of the forget set, with two ties to what else the model knows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ser_unlearn import (
    Batch,
    Method,
    Recogniser,
    Task,
    Utterances,
    frozen_copy,
    other_labels,
    sensitivity,
    targeted_pgd,
    train_mode,
)
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class L2UL(Method):
    """Ascend on the forget set, held back by adversarial examples and by weight importance.

    min_theta -L(D_f; theta) + retention * L(D_a; theta)
              + (strength / 2) * sum_i (1 - Omega_i) (theta_i - theta_o,i)^2

    D_a: forget utterances attacked to be taken for other emotions, labelled with those; they
    stand for the decision boundaries, of which no retained data tells. Omega: the mean |gradient|
    of the squared norm of the logits on D_f (memory aware synapses, Aljundi et al. 2018,
    arXiv:1711.09601), scaled to 0..1 within each tensor of weights, so that weights that matter
    little to the forget set hardly move.

    The paper goes on until all of the forget set is misclassified, which a retrained model does
    not do; here that is only one choice of `stop`. Its code takes |gradients| of means over
    batches, here they are taken utterance by utterance, as the formula says.

    Attributes:
        learning_rate: of AdamW.
        steps: of the optimiser, at most.
        batch_size: utterances a step, with as many adversarial examples.
        stop: the accuracy on the forget set at which to end: "zero", as in the paper; or
            "unseen", the original's accuracy on unseen utterances.
        retention: weight of the loss on the adversarial examples.
        targets: adversarial examples for each utterance, each of a crop and a target of its own.
        radius: of the attack, as a share of the input's L2 norm.
        attack_steps: gradients that each attack takes.
        step_size: the length of one of its steps, as a share of the radius.
        strength: of the pull to the original weights.
    """

    reference = "Cha et al. 2024, Learning to Unlearn, AAAI, arXiv:2301.11578"
    needs = frozenset({"forget"})
    variants = {
        "zero": {
            "stop": "zero",
            "learning_rate": 0.00014,
            "steps": 34,
            "retention": 0.38,
            "strength": 1.8,
        }
    }
    smoke = {"steps": 2, "targets": 1, "attack_steps": 2}
    search_space = {
        "learning_rate": (1e-5, 1e-3, "log"),
        "steps": (5, 36, "int"),
        "retention": (0.3, 10.0, "log"),
        "strength": (1.0, 1000.0, "log"),
    }
    presets = {"transformer": {"learning_rate": 5e-7}}

    learning_rate: float = 1.2e-05
    steps: int = 20
    batch_size: int = 32
    stop: str = "unseen"
    retention: float = 9.8
    targets: int = 2
    radius: float = 0.1
    attack_steps: int = 10
    step_size: float = 0.25
    strength: float = 6.6

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        attacked = [batch for _ in range(self.targets) for batch in self._attacked(original, task)]
        tie = {name: 1 - each for name, each in importance(model, task.forget).items()}
        start = dict(original.named_parameters())
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        aim = Aim(self.stop, task)
        steps = zip(endless(task.forget, self.batch_size), cycle(attacked), strict=False)
        for forget, wrong in islice(steps, self.steps):
            ascent = cross_entropy(model(forget.inputs, forget.lengths), forget.labels)
            descent = cross_entropy(model(wrong.inputs, wrong.lengths), wrong.labels)
            pull = sum(
                (tie[name] * (weight - start[name]).square()).sum()
                for name, weight in model.named_parameters()
            )
            loss = self.retention * descent - ascent + self.strength / 2 * pull
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if aim.reached(model):
                break
        return model

    def _attacked(self, original: torch.nn.Module, task: Task) -> list[Batch]:
        """Adversarial examples of a crop of each forget utterance, labelled with their targets."""
        found = []
        for batch in task.forget.batches(self.batch_size):
            targets = other_labels(batch.labels, task.n_emotions, task.generator)
            inputs = targeted_pgd(
                original,
                batch,
                targets,
                radius=self.radius,
                steps=self.attack_steps,
                step_size=self.step_size,
            )
            found.append(Batch(inputs, batch.lengths, targets))
        return found


def importance(model: Recogniser, data: Utterances) -> dict[str, Tensor]:
    """How much each weight matters to what the model says of the data, 0..1 in each tensor."""
    tiny = torch.finfo(torch.float32).tiny
    return {
        name: (each - each.min()) / (each.max() - each.min()).clamp_min(tiny)
        for name, each in sensitivity(model, data).items()
    }
