"""No unlearning: what every method is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn import Method, Recogniser, Task


@dataclass(frozen=True)
class Original(Method):
    """Return the original model as it is: the control that forgets nothing."""

    reference = "none"
    needs = frozenset()

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        return model
