"""Draw the classifier anew: the control that forgets everything but the embeddings."""

from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn import Method, Recogniser, Task
from ser_unlearn.methods._layers import reinitialise


@dataclass(frozen=True)
class ResetHead(Method):
    """Draw the classifier's weights anew, and leave the embeddings as they are.

    theta_head ~ as at the start of training

    It guesses, so that its forget set looks forgotten; all else is forgotten with it.
    """

    reference = "none"
    needs = frozenset()

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        reinitialise(model.classifier.modules(), task.generator)
        return model
