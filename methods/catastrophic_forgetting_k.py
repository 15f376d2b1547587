"""Go on training the last layers without the forget set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._layers import last_layers


@dataclass(frozen=True)
class CatastrophicForgettingK(Method):
    """Go on training the last k layers on the retain set, with all before them frozen.

    min_theta_k L(D_r; theta), from the original weights, theta_k those of the last k layers

    A layer is a convolution or a linear map with the normalisation after it, in the order of
    definition. The statistics of batch normalisation stay as they are.

    Attributes:
        k: how many layers are trained, from the classifier backwards.
        learning_rate: of AdamW.
        steps: of the optimiser.
        batch_size: utterances a step.
    """

    reference = "Goel et al. 2022, Towards Adversarial Evaluations, arXiv:2201.06640"
    needs = frozenset({"retain"})
    smoke = {"steps": 2}
    search_space = {
        "k": [1, 2, 4, 8, 16, 20, 24],
        "learning_rate": (1e-4, 1e-2, "log"),
        "steps": (12, 140, "int"),
    }
    presets = {"transformer": {"learning_rate": 3e-5}}

    k: int = 20
    learning_rate: float = 0.0087
    steps: int = 87
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        took_gradients = {weight: weight.requires_grad for weight in model.parameters()}
        chosen = [
            weight
            for layer in last_layers(model, self.k)
            for weight in layer.parameters(recurse=False)
        ]
        model.requires_grad_(False)
        for weight in chosen:
            weight.requires_grad_(True)
        optimiser = torch.optim.AdamW(chosen, lr=self.learning_rate)
        train_mode(model)
        for inputs, lengths, labels in islice(endless(task.retain, self.batch_size), self.steps):
            loss = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        for weight, needed in took_gradients.items():
            weight.requires_grad_(needed)
        return model
