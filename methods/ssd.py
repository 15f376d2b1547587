"""Make the weights smaller that the forget set's Fisher information singles out."""

from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn import Method, Recogniser, Task, fisher
from ser_unlearn.methods._dampening import dampen


@dataclass(frozen=True)
class SelectiveSynapticDampening(Method):
    """Dampen the weights that matter far more to the forget set than to the training set.

    theta_i <- min(lambda * F_i(D) / F_i(D_f), 1) * theta_i  wherever F_i(D_f) > alpha * F_i(D),
    F_i(S) = mean over (x, y) in S of (d L(x, y; theta) / d theta_i)^2

    F is the diagonal of the empirical Fisher information. The published code squares the gradient
    of a batch's mean loss; here each utterance has a gradient of its own, as in the paper. F(D)
    is kept from training and costs nothing; F(D_f) is computed here.

    F(D_f) / F(D) cannot exceed |D| / |D_f|, for D_f is a part of D: of a tenth of the training set,
    the paper's alpha of 10 would select nothing.

    Attributes:
        selection: alpha; how many times more a weight must matter to the forget set.
        dampening: lambda; the smaller, the smaller the selected weights become.
    """

    reference = "Foster et al. 2024, Selective Synaptic Dampening, arXiv:2308.07707"
    needs = frozenset({"forget", "statistics"})
    search_space = {"selection": (1.0, 30.0, "log"), "dampening": (0.1, 30.0, "log")}

    selection: float = 3.0
    dampening: float = 3.0

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        dampen(
            model,
            fisher(model, task.forget),
            task.statistics.fisher,
            selection=self.selection,
            dampening=self.dampening,
        )
        return model
