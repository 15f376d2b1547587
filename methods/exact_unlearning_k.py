"""Train the last layers anew without the forget set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from ser_unlearn import Method, Recogniser, Task, train_mode
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
        epochs: passes over the retain set.
        batch_size: utterances a step.
    """

    reference = "Goel et al. 2022, Towards Adversarial Evaluations, arXiv:2201.06640"
    needs = frozenset({"retain"})
    learns_statistics = True
    smoke = {"epochs": 1}
    search_space = {
        "k": [1, 2, 4, 8, 16, 20, 24],
        "learning_rate": (3e-4, 1e-2, "log"),
        "epochs": (3, 15, "int"),
    }

    k: int = 24
    learning_rate: float = 2e-3
    epochs: int = 8
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
        steps = self.epochs * -(-len(task.retain) // self.batch_size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.learning_rate, total_steps=steps
        )
        train_mode(model)
        for _ in range(self.epochs):
            for inputs, lengths, labels in task.retain.batches(self.batch_size):
                learn_statistics(layers, len(labels))
                loss = cross_entropy(model(inputs, lengths), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        for weight, needed in took_gradients.items():
            weight.requires_grad_(needed)
        return model.eval()
