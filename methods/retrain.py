"""Training from scratch without the forget set."""

from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn import Method, Recogniser, Task


@dataclass(frozen=True)
class Retrain(Method):
    """Train anew on the retain set, as the recipe says: the gold reference.

    argmin_theta L(D_r; theta), from fresh weights
    """

    reference = "Bourtoule et al. 2021, Machine Unlearning, arXiv:1912.03817"
    needs = frozenset({"retain"})
    learns_statistics = True

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        return task.retrained()
