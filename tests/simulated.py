"""Made-up runs, with variances as real ones have them, and what the report makes of them.

`python tests/simulated.py` prints the tables in the docstrings of `ser_unlearn.report`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ser_unlearn.report.comparison import Contest, Run, estimate
from ser_unlearn.report.intervals import interval

MODEL, FORGET, REST = 0.5, 4.6, 16.9
"""Variance of a difference of two gaps to retraining, in points squared, as measured on records."""


def alike(random, rows):
    return np.ones(rows)


def mixed(random, rows):
    """Variances that differ from row to row, with mean 1."""
    return random.gamma(2, 1 / 2, size=rows)


def draw(random, effects, runs, variances=alike, scenarios=("random:16",), corpora=("c",)):
    """Values of rows "m0", "m1", ... that lie above their run's level by their effects.

    Runs of several scenarios with the same number share the original.
    """
    values = {f"m{number}": {} for number in range(len(effects))}
    scales = np.sqrt(variances(random, len(effects)) / 2)
    for corpus in corpora:
        model = np.sqrt(MODEL) * random.normal(size=(len(effects), runs))
        for scenario in scenarios:
            rest = np.sqrt(FORGET + REST) * random.normal(size=(len(effects), runs))
            level = 5 * random.normal(size=runs)
            table = level + np.array(effects)[:, None] + scales[:, None] * (model + rest)
            for number, row in enumerate(table):
                values[f"m{number}"] |= {
                    Run(corpus, "r", scenario, run, run): float(value)
                    for run, value in enumerate(row)
                }
    return values


def rates(random, count, rows, runs, variances=alike, **places):
    """In shares of experiments: what tests claim where nothing differs, and where 8 points do.

    Returns:
        One uncorrected test's alarms; any by Holm, for the first row; the same for the best; and,
        where the first row is 8 points better, from how many of the others it is told.
    """
    found = np.zeros(4)
    for _ in range(count):
        values = draw(random, [0.0] * rows, runs, variances, **places)
        contest = Contest(values)
        named = contest.compare_with("m0", values).values()
        means = contest.means()
        best = contest.compare_with(min(means, key=means.__getitem__), values).values()
        better = {**values, "m0": {run: value - 8 for run, value in values["m0"].items()}}
        # The other pairs' variances are the same, and so is the prior.
        told = Contest(better).compare_with("m0", values).values()
        found += [
            np.mean([each.p < 0.05 for each in named]),
            any(each.is_clear for each in named),
            any(each.is_clear for each in best),
            np.mean([each.is_clear for each in told]),
        ]
    return found / count


def coverage(random, count, draw_values: Callable, truth, kind, agreeing=1):
    """The share of intervals of a mean that hold the truth."""
    held = 0
    for _ in range(count):
        found = interval(estimate(draw_values(random)), kind, agreeing)
        held += found.low <= truth <= found.high
    return held / count


def shares(share, spread, runs, utterances=16):
    """Draws shares of so many utterances, of which each run has a mean of its own."""

    def draw_values(random):
        if spread:
            beta = 1 / spread - 1
            means = random.beta(share * beta, (1 - share) * beta, size=runs)
        else:
            means = np.full(runs, share)
        counts = random.binomial(utterances, means)
        return {
            Run("c", "r", "random:16", run, run): count / utterances
            for run, count in enumerate(counts.tolist())
        }

    return draw_values


def main():
    random = np.random.default_rng(0)
    for rows, runs in [(18, 6), (36, 6), (6, 6), (3, 6), (18, 3), (18, 12)]:
        for variances in (alike, mixed):
            # As many comparisons for each.
            found = 100 * rates(random, 60_000 // rows, rows, runs, variances)
            print(rows, runs, variances.__name__, *(f"{each:.1f}" for each in found), flush=True)
    places = {"scenarios": ("random:16", "random:64", "speaker:1"), "corpora": ("c", "d")}
    found = 100 * rates(random, 1000, 18, 6, mixed, **places)
    print("two corpora, three scenarios", *(f"{each:.1f}" for each in found))
    for runs in (3, 6, 12):
        for spread in (0, 0.05):
            held = [
                100 * coverage(random, 10000, shares(each, spread, runs), each, "share", 16)
                for each in (0.03, 0.08, 0.25)
            ]
            print(runs, spread, *(f"{each:.1f}" for each in held), flush=True)


if __name__ == "__main__":
    main()
