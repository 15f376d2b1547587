"""Train the last layers anew without the forget set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._layers import last_layers, learn_statistics, reinitialise


@dataclass(frozen=True)
class ExactUnlearningK(Method):
    """Draw the last k layers anew and train them on the retain set, with all before frozen.

    min_theta_k L(D_r; theta), from fresh weights theta_k of the last k layers

    A layer is a convolution or a linear map with the normalisation after it, in the order of
    definition. The normalisations among the k layers learn their statistics anew too, from
    batches of two utterances or more; the others keep theirs.

    Attributes:
        k: how many layers are trained anew, from the classifier backwards.
        learning_rate: the peak of AdamW's one-cycle schedule.
        steps: of the optimiser.
        batch_size: utterances a step.
    """

    reference = "Goel et al. 2022, Towards Adversarial Evaluations, arXiv:2201.06640"
    needs = frozenset({"retain"})
    learns_statistics = True
    smoke = {"steps": 2}
    search_space = {
        "k": [1, 2, 4, 8, 16, 20, 24],
        "learning_rate": (3e-4, 1e-2, "log"),
        "steps": (36, 140, "int"),
    }
    presets = {"transformer": {"learning_rate": 1e-4}}

    k: int = 24
    learning_rate: float = 2e-3
    steps: int = 96
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        took_gradients = {weight: weight.requires_grad for weight in model.parameters()}
        layers = last_layers(model, self.k)
        reinitialise(layers, task.generator)
        chosen = [weight for layer in layers for weight in layer.parameters(recurse=False)]
        model.requires_grad_(False)
        for weight in chosen:
            weight.requires_grad_(True)
        optimiser = torch.optim.AdamW(chosen, lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.learning_rate, total_steps=self.steps
        )
        train_mode(model)
        for inputs, lengths, labels in islice(endless(task.retain, self.batch_size), self.steps):
            learn_statistics(layers, len(labels))
            loss = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        for weight, needed in took_gradients.items():
            weight.requires_grad_(needed)
        return model.eval()
