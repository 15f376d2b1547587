"""The search: which settings of a method are tried."""

from __future__ import annotations

from collections.abc import Mapping

from ser_unlearn.tuning.space import Space, Value, distributions, rounded

Setting = Mapping[str, Value]
"""All parameters of a method."""

STARTUP = 5
"""Settings that are drawn before any has been tried: the defaults, and random ones."""


class Search:
    """Draws settings by the tree-structured Parzen estimator, the defaults first.

    Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization, as Optuna implements it. What
    is drawn is rounded, and the estimator learns of the rounded setting, which was tried.

    Args:
        space: what may be tried.
        defaults: all of the method's fields.
        seed: of the sampler.
    """

    def __init__(self, space: Space, defaults: Setting, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        self._study = optuna.create_study(sampler=sampler)
        self._space = space
        self._defaults = defaults
        self._allowed = distributions(space)
        self._asked = False

    def ask(self, most: int) -> list[Setting]:
        """The settings to try next, at most so many: the first ones together, then one by one."""
        if self._asked:
            return [self._draw() for _ in range(min(1, most))]
        self._asked = True
        others = [self._draw() for _ in range(min(STARTUP, most) - 1)]
        return [self._defaults, *others]

    def tell(self, setting: Setting, value: float | None) -> None:
        """What a setting is worth; None if the method was not done."""
        from optuna.trial import TrialState, create_trial

        tried = create_trial(
            params={field: setting[field] for field in self._space},
            distributions=self._allowed,
            value=value,
            # Taken for worse than every trial that has a value.
            state=TrialState.PRUNED if value is None else TrialState.COMPLETE,
        )
        self._study.add_trial(tried)

    def _draw(self) -> Setting:
        from optuna.trial import TrialState

        drawn = self._study.ask(self._allowed)
        # What is tried is told as a trial of its own.
        self._study.tell(drawn, state=TrialState.FAIL)
        return {**self._defaults, **rounded(self._space, drawn.params)}
