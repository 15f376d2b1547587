"""Make the model flat around the forget set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch

from ser_unlearn import Batch, Method, Recogniser, Task, padding_mask, train_mode
from ser_unlearn.methods._aims import Aim, check_stop
from ser_unlearn.methods._batches import endless


@dataclass(frozen=True)
class JustInTime(Method):
    """Lower the local Lipschitz constant of the logits around each utterance of the forget set.

    min_theta mean over x in D_f and over n of ||f(x) - f(x + xi_n)||_2 / (||xi_n||_2 / ||x||_2),
    xi_n ~ N(0, sigma^2 I)

    No gradient goes through the disturbed output, as in the authors' code: what is known of the
    utterance moves to what is said of its surroundings, and these stay where they are.
    Lengths are taken relative to the utterance, in sigma and in the quotient, for features in dB
    have no natural unit as pixels have; padding is not disturbed. The paper changes the weights
    after each sample, once; here after each batch, for as many steps as the aim takes.

    Attributes:
        learning_rate: of stochastic gradient descent.
        noise: sigma, as a share of the root mean square of the utterance's features.
        samples: disturbed copies of each utterance, the paper's N.
        steps: of the optimiser, at most.
        batch_size: utterances a step.
        max_norm: the gradient's L2 norm is clipped to it: a quotient that is averaged over few
            copies is noisy.
        stop: the accuracy on the forget set at which to end: "unseen", the original's accuracy on
            unseen utterances; or "zero".
    """

    reference = "Foster et al. 2024, An Information Theoretic Approach, arXiv:2402.01401"
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "learning_rate": 0.018, "noise": 0.89, "steps": 45}}
    smoke = {"steps": 2, "samples": 2}
    search_space = {
        "learning_rate": (3e-4, 3e-2, "log"),
        "noise": (1e-2, 1.0, "log"),
        "steps": (5, 60, "int"),
    }

    learning_rate: float = 0.0018
    noise: float = 0.38
    samples: int = 4
    steps: int = 34
    batch_size: int = 4
    max_norm: float = 1.0
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        optimiser = torch.optim.SGD(model.parameters(), lr=self.learning_rate)
        train_mode(model)
        aim = Aim(self.stop, task)
        for batch in islice(endless(task.forget, self.batch_size), self.steps):
            copies = Batch(*(each.repeat_interleave(self.samples, dim=0) for each in batch))
            speech = padding_mask(copies)[..., None]
            noise = torch.randn(copies.inputs.shape, generator=task.generator).to(task.device)
            entries = speech.sum(dim=(1, 2)) * copies.inputs.shape[-1]
            lengths = (copies.inputs * speech).flatten(1).norm(dim=1)
            sigma = self.noise * lengths / entries.sqrt()
            noise = noise * speech * sigma[:, None, None]
            distances = noise.flatten(1).norm(dim=1) / lengths

            outputs = model(batch.inputs, batch.lengths).repeat_interleave(self.samples, dim=0)
            disturbed = model(copies.inputs + noise, copies.lengths).detach()
            loss = ((outputs - disturbed).norm(dim=1) / distances).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.max_norm)
            optimiser.step()
            if aim.reached(model):
                break
        return model
