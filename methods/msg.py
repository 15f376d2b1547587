"""Draw anew the weights in which forget set and retain set hardly differ, then fine-tune."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn.functional import cross_entropy
from torch.nn.init import kaiming_normal_

from ser_unlearn import Method, Recogniser, Task
from ser_unlearn.methods._batches import endless
from ser_unlearn.methods._layers import learn_statistics
from ser_unlearn.methods._saliency import largest, mean_gradient


@dataclass(frozen=True)
class Msg(Method):
    """Draw the weights with the smallest gradients anew, and fine-tune on the retain set.

    fresh: in each layer, the share with the smallest |grad L(D_r; theta_o) - grad L(D_f; theta_o)|
    then min_theta L(D_r; theta), with gradients scaled down for the layers' other weights

    Masked small gradients, second in the NeurIPS 2023 unlearning challenge. Layers are all
    kernels and matrices but the classifier. Both gradients are means over whole sets; the
    published code draws as many utterances from the retain set as there are to be forgotten.
    Fresh weights shift what the batch normalisations see, so these learn their statistics anew,
    from batches of two utterances or more.

    Attributes:
        share: of each layer's weights, the share that is drawn anew.
        kept_scale: the gradients of the weights that are kept are multiplied by it.
        learning_rate: of stochastic gradient descent with a momentum of 0.9, in the middle of a
            linear rise and fall.
        steps: of the optimiser.
        batch_size: utterances a step.
        max_norm: the gradient's L2 norm is clipped to it: batches of one cannot learn statistics
            that fit the fresh weights, and would explode.
    """

    reference = "Cadet et al. 2024, Deep Unlearn, arXiv:2410.01276"
    needs = frozenset({"forget", "retain"})
    learns_statistics = True
    smoke = {"steps": 2}
    search_space = {
        "share": (0.05, 0.6, "linear"),
        "kept_scale": [0.0, 0.1, 1.0],
        "learning_rate": (1e-3, 1e-1, "log"),
        "steps": (24, 115, "int"),
    }

    share: float = 0.4
    kept_scale: float = 0.1
    learning_rate: float = 0.0086
    steps: int = 100
    batch_size: int = 32
    max_norm: float = 5.0

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        retain = mean_gradient(model, task.retain, self.batch_size)
        forget = mean_gradient(model, task.forget, self.batch_size)
        scales = {}
        for name, weight in model.named_parameters():
            if name in retain and weight.dim() > 1 and not name.startswith("classifier."):
                small = largest({name: -(retain[name] - forget[name]).abs()}, self.share)[name]
                fresh = torch.empty(weight.shape)
                kaiming_normal_(fresh, mode="fan_out", generator=task.generator)
                with torch.no_grad():
                    weight.copy_(torch.where(small, fresh.to(weight.device), weight))
                scales[weight] = torch.where(small, 1.0, self.kept_scale)
        optimiser = torch.optim.SGD(model.parameters(), lr=self.learning_rate, momentum=0.9)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: 1 - abs(2 * (step + 1) / (self.steps + 1) - 1)
        )
        model.train()
        for inputs, lengths, labels in islice(endless(task.retain, self.batch_size), self.steps):
            learn_statistics(model.modules(), len(labels))
            loss = cross_entropy(model(inputs, lengths), labels)
            optimiser.zero_grad()
            loss.backward()
            for weight, scale in scales.items():
                if weight.grad is not None:
                    weight.grad *= scale
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.max_norm)
            optimiser.step()
            schedule.step()
        return model.eval()
