"""Make the weights smaller that move the outputs of the forget set; no labels are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn import Method, Recogniser, Task, sensitivity
from ser_unlearn.methods._dampening import dampen


@dataclass(frozen=True)
class LossFreeDampening(Method):
    """Dampen the weights that move the forget set's logits far more than the training set's.

    theta_i <- min(lambda * O_i(D) / O_i(D_f), 1) * theta_i  wherever O_i(D_f) > alpha * O_i(D),
    O_i(S) = mean over x in S of |d ||f(x; theta)||_2^2 / d theta_i|

    Selective synaptic dampening without a loss, and so without labels. Each utterance has a
    gradient of its own, as in the paper. O(D) is kept from training and costs nothing; O(D_f) is
    computed here. Absolute gradients differ less between sets than the squares of the Fisher
    information do, so that alpha is smaller here.

    Attributes:
        selection: alpha; how many times more a weight must move the forget set's logits.
        dampening: lambda; the smaller, the smaller the selected weights become.
    """

    reference = "Foster et al. 2024, Loss-Free Machine Unlearning, arXiv:2402.19308"
    needs = frozenset({"forget", "statistics"})
    search_space = {"selection": (1.0, 4.0, "log"), "dampening": (0.1, 4.0, "log")}

    selection: float = 1.1
    dampening: float = 0.72

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        dampen(
            model,
            sensitivity(model, task.forget),
            task.statistics.sensitivity,
            selection=self.selection,
            dampening=self.dampening,
        )
        return model
