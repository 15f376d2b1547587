"""Send what is to be forgotten to an emotion that does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class BoundaryExpand(Method):
    """Fine-tune the forget set into a shadow class, then drop that class.

    min_{theta, w, b} L({(x, C) : (x, y) in D_f}; theta, w, b),
    where class C, after the emotions 0..C-1, has the logit w . embedding(x) + b

    What the forget set loses to the shadow class scatters over the other emotions once it is
    gone. The paper forgets a whole class; here the forget set may be any.

    Attributes:
        learning_rate: of AdamW.
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Chen et al. 2023, Boundary Unlearning, CVPR, arXiv:2303.11570"
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "learning_rate": 0.00095, "steps": 45}}
    smoke = {"steps": 2}
    search_space = {"learning_rate": (1e-5, 1e-3, "log"), "steps": (5, 60, "int")}
    presets = {"transformer": {"learning_rate": 2e-6}}

    learning_rate: float = 1.1e-05
    steps: int = 26
    batch_size: int = 32
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        with torch.no_grad():
            width = model.embed(*next(task.forget.batches(1))[:2]).shape[1]
        # As a new output of a linear layer begins.
        weight = (2 * torch.rand(width, generator=task.generator) - 1) / width**0.5
        shadow = weight.to(task.device).requires_grad_(True)
        bias = torch.zeros(1, device=task.device, requires_grad=True)
        optimiser = torch.optim.AdamW([*model.parameters(), shadow, bias], lr=self.learning_rate)
        train_mode(model)
        aim = Aim(self.stop, task)
        for inputs, lengths, labels in islice(endless(task.forget, self.batch_size), self.steps):
            embeddings = model.embed(inputs, lengths)
            emotions = model.classifier(embeddings.unsqueeze(1)).squeeze(1)
            beyond = (embeddings * shadow).sum(dim=1, keepdim=True) + bias
            logits = torch.cat([emotions, beyond], dim=1)
            loss = cross_entropy(logits, torch.full_like(labels, emotions.shape[1]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if aim.reached(model):
                break
        return model
