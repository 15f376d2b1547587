"""Teach that noise is the emotion to be forgotten, then repair."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ser_unlearn import Batch, Method, Recogniser, Task, frozen_copy, padding_mask, train_mode
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class Unsir(Method):
    """Impair the model with noise that maximises its error, then repair it on the retain set.

    noise = argmin_n -L(n, y_f; theta_o) + penalty * mean(z^2), where n = mean + spread * z
    impair: min_theta L(D_r; theta) + L(noise, y_f; theta); repair: min_theta L(D_r; theta)

    The paper forgets whole classes and learns a batch of noise for each. Here each forgotten
    utterance gets a noise of its own, as long as a crop of it and with its label: with every
    utterance of an emotion that is the paper's method, with fewer the noise wears the emotion
    down and the repair brings back what the retain set knows of it. Noise starts at the forget
    set's own mean and spread, since features are far from standard normal, and the penalty is a
    mean, not a sum, over its values: a sum would leave the error no say in so large an input.

    Attributes:
        noise_steps: gradients that shape the noise.
        noise_rate: of Adam on the noise, in units of the forget set's spread.
        penalty: weight of the noise's mean square.
        impair_rate: of AdamW while impairing.
        repair_rate: of AdamW while repairing.
        impair_steps: on the retain set, each with a batch of noise.
        repair_steps: on the retain set alone.
        batch_size: utterances of each set a step.
    """

    reference = "Tarun et al. 2021, Fast Yet Effective Machine Unlearning, arXiv:2111.08947"
    needs = frozenset({"forget", "retain"})
    smoke = {"impair_rate": 8.5e-4, "impair_steps": 4, "repair_rate": 2e-3, "repair_steps": 38}
    search_space = {
        "impair_rate": (1e-4, 1e-2, "log"),
        "impair_steps": (2, 20, "int"),
        "repair_rate": (1e-4, 1e-2, "log"),
        "repair_steps": (6, 54, "int"),
    }
    presets = {"transformer": {"impair_rate": 1e-5, "repair_rate": 5e-6}}

    noise_steps: int = 20
    noise_rate: float = 0.1
    penalty: float = 0.1
    impair_rate: float = 0.0017
    repair_rate: float = 0.00035
    impair_steps: int = 4
    repair_steps: int = 52
    batch_size: int = 32

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        frozen = frozen_copy(model)
        noises = [
            self.noise(frozen, batch, task.generator)
            for batch in task.forget.batches(self.batch_size)
        ]
        retain = endless(task.retain, self.batch_size)
        train_mode(model)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.impair_rate)
        for batch, noise in zip(islice(retain, self.impair_steps), cycle(noises), strict=False):
            kept, noisy = (
                cross_entropy(model(inputs, lengths), labels)
                for inputs, lengths, labels in (batch, noise)
            )
            optimiser.zero_grad()
            (kept + noisy).backward()
            optimiser.step()
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.repair_rate)
        for inputs, lengths, labels in islice(retain, self.repair_steps):
            loss = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return model

    def noise(self, frozen: nn.Module, batch: Batch, generator: torch.Generator) -> Batch:
        """Noise with the shape, lengths and labels of a batch that the model gets most wrong."""
        inputs, lengths, labels = batch
        speech = padding_mask(batch)
        mean, spread = inputs[speech].mean(), inputs[speech].std()
        start = torch.randn(inputs.shape, generator=generator).to(inputs.device)
        z = start.requires_grad_(True)
        optimiser = torch.optim.Adam([z], lr=self.noise_rate)
        for _ in range(self.noise_steps):
            noise = (mean + spread * z) * speech[..., None]
            error = cross_entropy(frozen(noise, lengths), labels)
            loss = -error + self.penalty * z[speech].square().mean()
            (z.grad,) = torch.autograd.grad(loss, z)
            optimiser.step()
        return Batch(((mean + spread * z) * speech[..., None]).detach(), lengths, labels)
