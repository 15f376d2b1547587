"""Give what is to be forgotten to the neighbours across the decision boundary."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, frozen_copy, padding_mask, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class BoundaryShrink(Method):
    """Fine-tune on the forget set, each utterance labelled with the nearest wrong emotion.

    min_theta L({(x, y') : (x, y) in D_f}; theta),
    y' = argmax over emotions but y of the original at x + bound * sign(gradient of L(x, y))

    The paper forgets a whole class; here the forget set may be any. Its code takes the attacked
    input's label even where that is the true one; here it is never the true one, as the paper
    has it.

    Attributes:
        learning_rate: of AdamW.
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        bound: how much each feature is moved to find the neighbour, as a share of the root mean
            square of the utterance's features.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Chen et al. 2023, Boundary Unlearning, CVPR, arXiv:2303.11570"
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "learning_rate": 0.00029, "steps": 42}}
    smoke = {"steps": 2}
    search_space = {
        "learning_rate": (1e-5, 1e-3, "log"),
        "steps": (5, 60, "int"),
        "bound": [0.02, 0.05, 0.1, 0.2],
    }
    presets = {"transformer": {"learning_rate": 1e-6}}

    learning_rate: float = 1.5e-05
    steps: int = 28
    batch_size: int = 32
    bound: float = 0.05
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        relabelled = task.forget.relabelled(self._neighbours(model, task))
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, labels in islice(endless(relabelled, self.batch_size), self.steps):
            loss = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if aim.reached(model):
                break
        return model

    def _neighbours(self, model: Recogniser, task: Task) -> Tensor:
        """The nearest wrong emotion of each whole forget utterance, in the set's order."""
        original = frozen_copy(model)
        found = []
        for batch in task.forget.batches(self.batch_size, shuffle=False, crop=False):
            mask = padding_mask(batch)[..., None]
            change = torch.zeros_like(batch.inputs, requires_grad=True)
            logits = original(batch.inputs + change, batch.lengths)
            loss = cross_entropy(logits, batch.labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, change)
            power = (batch.inputs.square() * mask).mean(dim=(1, 2)) / mask.float().mean(dim=(1, 2))
            step = self.bound * power.sqrt()[:, None, None] * gradient.sign() * mask
            with torch.no_grad():
                logits = original(batch.inputs + step, batch.lengths)
            found.append(logits.scatter(1, batch.labels[:, None], -torch.inf).argmax(dim=1))
        return torch.cat(found)
