"""Send what is to be forgotten to an emotion that does not exist."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode


@dataclass(frozen=True)
class BoundaryExpand(Method):
    """Fine-tune the forget set into a shadow class, then drop that class.

    min_{theta, w, b} L({(x, C) : (x, y) in D_f}; theta, w, b),
    where class C, after the emotions 0..C-1, has the logit w . embedding(x) + b

    What the forget set loses to the shadow class scatters over the other emotions once it is
    gone. The paper forgets a whole class; here the forget set may be any.

    Attributes:
        learning_rate: of AdamW.
        epochs: passes over the forget set.
        batch_size: utterances a step.
    """

    reference = "Chen et al. 2023, Boundary Unlearning, CVPR, arXiv:2303.11570"
    needs = frozenset({"forget"})
    smoke = {"epochs": 1}
    search_space = {"learning_rate": (1e-5, 1e-3, "log"), "epochs": (2, 20, "int")}

    learning_rate: float = 5e-5
    epochs: int = 10
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        with torch.no_grad():
            width = model.embed(*next(task.forget.batches(1))[:2]).shape[1]
        # As a new output of a linear layer begins.
        weight = (2 * torch.rand(width, generator=task.generator) - 1) / width**0.5
        shadow = weight.to(task.device).requires_grad_(True)
        bias = torch.zeros(1, device=task.device, requires_grad=True)
        optimiser = torch.optim.AdamW([*model.parameters(), shadow, bias], lr=self.learning_rate)
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.forget.batches(self.batch_size):
                embeddings = model.embed(inputs, lengths)
                emotions = model.classifier(embeddings.unsqueeze(1)).squeeze(1)
                beyond = (embeddings * shadow).sum(dim=1, keepdim=True) + bias
                logits = torch.cat([emotions, beyond], dim=1)
                loss = cross_entropy(logits, torch.full_like(labels, emotions.shape[1]))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return model
