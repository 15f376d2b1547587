"""What unlearning works towards: to know the forget set as a stranger would, or not at all."""

from __future__ import annotations

from ser_unlearn import Recogniser, Task

AIMS = ("unseen", "zero")

CHECK_EVERY = 2
"""Steps between two looks at the forget set: a look costs operations, which are metered."""


def check_stop(stop: str) -> None:
    """Refuse what is no aim.

    Raises:
        ValueError: if it is none of `AIMS`.
    """
    if stop not in AIMS:
        raise ValueError(f"stop is '{stop}'. Choose one of: {', '.join(AIMS)}.")


class Aim:
    """The accuracy on the forget set at which a method has done its work.

    Args:
        stop: "unseen", the original's accuracy on unseen utterances, as if never heard; or "zero".
        task: with the forget set.
    """

    def __init__(self, stop: str, task: Task) -> None:
        self._task = task
        self._goal = {"unseen": task.unseen_accuracy, "zero": 0.0}[stop]
        self._steps = 0

    def reached(self, model: Recogniser) -> bool:
        """Whether to stop; to be asked after every step. It looks after every second one."""
        self._steps += 1
        return self._steps % CHECK_EVERY == 0 and self.holds(model)

    def holds(self, model: Recogniser) -> bool:
        """Whether the model knows no more of the forget set than it should, as of now."""
        return self._task.accuracy(model, self._task.forget) <= self._goal
