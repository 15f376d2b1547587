"""Courses: rows on their way through the trials that they have, each at its own pace."""

from __future__ import annotations

from collections.abc import Sequence

from ser_unlearn.tuning.scoring import Score
from ser_unlearn.tuning.search import Search, Setting
from ser_unlearn.tuning.space import Space
from ser_unlearn.tuning.studies import Trial, mean_of
from ser_unlearn.unlearning.registry import Row

SKIPPED = Score("failed", "not tried: it failed before", None, 0.0)
"""What a setting is worth on a request that comes after one on which the method was not done."""


class Course:
    """The trials of one row.

    Args:
        row: with its defaults.
        space: what may be tried.
        criterion: by which settings are judged.
        n_trials: how many settings to try.
        n_requests: on how many requests each is tried.
        seed: of the sampler.
    """

    def __init__(
        self, row: Row, space: Space, criterion: str, n_trials: int, n_requests: int, seed: int
    ) -> None:
        self.row = row
        self.space = space
        self.trials: list[Trial] = []
        """Those that have ended, in the order in which they were drawn."""
        self._search = Search(space, row.parameters, seed)
        self._criterion = criterion
        self._n_trials = n_trials
        self._n_requests = n_requests
        self._settings: list[Setting] = []
        self._scores: list[list[Score | None]] = []

    @property
    def has_ended(self) -> bool:
        """Whether all trials have."""
        return len(self.trials) == self._n_trials

    def ask(self) -> list[tuple[int, Setting]]:
        """The settings to try next, each with the number of its trial; none in the end.

        It is asked again once those are all tried: so the settings that are drawn do not depend on
        how fast others are.
        """
        first = len(self.trials)
        self._settings = self._search.ask(self._n_trials - first)
        self._scores = [[None] * self._n_requests for _ in self._settings]
        return list(enumerate(self._settings, first))

    def is_lost(self, trial: int, request: int) -> bool:
        """Whether a trial has failed on a request before this one: nothing can mend it."""
        before = self._scores[trial - len(self.trials)][:request]
        return any(score is not None and score.value is None for score in before)

    def tell(self, trial: int, request: int, score: Score) -> bool:
        """Note what a setting is worth on a request; whether those asked for are now all tried."""
        self._scores[trial - len(self.trials)][request] = score
        known = [[each for each in scores if each is not None] for scores in self._scores]
        if any(len(scores) < self._n_requests for scores in known):
            return False
        ended = [
            trial_of(self._criterion, setting, scores)
            for setting, scores in zip(self._settings, known, strict=True)
        ]
        for each in ended:
            self._search.tell(each.parameters, each.value)
        self.trials += ended
        return True


def trial_of(criterion: str, setting: Setting, scores: Sequence[Score]) -> Trial:
    """What the scores on all requests say of a setting; those after a failure do not count."""
    statuses = [score.status for score in scores]
    failed = next((place for place, status in enumerate(statuses) if status != "done"), None)
    values = [score.value for score in scores[:failed]]
    values += [None] * (len(scores) - len(values))
    return Trial(
        parameters=dict(setting),
        status="done" if failed is None else scores[failed].status,
        reason="" if failed is None else scores[failed].reason,
        values=values,
        value=mean_of(criterion, values),
        seconds=sum(score.seconds for score in scores),
    )
