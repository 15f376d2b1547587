"""Make the model flat around the forget set."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ser_unlearn import Batch, Method, Recogniser, Task, padding_mask, train_mode


@dataclass(frozen=True)
class JustInTime(Method):
    """Lower the local Lipschitz constant of the logits around each utterance of the forget set.

    min_theta mean over x in D_f and over n of ||f(x) - f(x + xi_n)||_2 / (||xi_n||_2 / ||x||_2),
    xi_n ~ N(0, sigma^2 I)

    Lengths are taken relative to the utterance, in sigma and in the quotient, for features in dB
    have no natural unit as pixels have; padding is not disturbed. The paper changes the weights
    after each sample, once; here after each batch, and several passes are allowed.

    Attributes:
        learning_rate: of stochastic gradient descent.
        noise: sigma, as a share of the root mean square of the utterance's features.
        samples: disturbed copies of each utterance, the paper's N.
        epochs: passes over the forget set.
        batch_size: utterances a step.
        max_norm: the gradient's L2 norm is clipped to it: a quotient that is averaged over few
            copies is noisy.
    """

    reference = "Foster et al. 2024, An Information Theoretic Approach, arXiv:2402.01401"
    needs = frozenset({"forget"})
    smoke = {"epochs": 1, "samples": 2}
    search_space = {
        "learning_rate": (1e-4, 1e-1, "log"),
        "noise": (1e-2, 1.0, "log"),
        "epochs": (1, 20, "int"),
    }

    learning_rate: float = 2e-2
    noise: float = 0.1
    samples: int = 4
    epochs: int = 4
    batch_size: int = 4
    max_norm: float = 1.0

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.SGD(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        for _ in range(self.epochs):
            for batch in task.forget.batches(self.batch_size):
                copies = Batch(*(each.repeat_interleave(self.samples, dim=0) for each in batch))
                speech = padding_mask(copies)[..., None]
                noise = torch.randn(copies.inputs.shape, generator=task.generator).to(task.device)
                entries = speech.sum(dim=(1, 2)) * copies.inputs.shape[-1]
                lengths = (copies.inputs * speech).flatten(1).norm(dim=1)
                sigma = self.noise * lengths / entries.sqrt()
                noise = noise * speech * sigma[:, None, None]
                distances = noise.flatten(1).norm(dim=1) / lengths

                outputs = model(batch.inputs, batch.lengths).repeat_interleave(self.samples, dim=0)
                changes = outputs - model(copies.inputs + noise, copies.lengths)
                loss = (changes.norm(dim=1) / distances).mean()
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), self.max_norm)
                optimiser.step()
        return model
