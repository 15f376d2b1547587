"""Values by run, for tests of comparisons, and how closely numbers agree."""

from __future__ import annotations

from ser_unlearn.report.comparison import Run

# Sums of a few dozen numbers of at most 100, and quantities made of them.
ROUNDING = 1e-9

# The project's bound for agreement with another implementation.
AGREEMENT = 1e-6


def run(number=0, corpus="c", recipe="r", scenario="random:16"):
    """The run with this number: an original and a forget set of its own."""
    return Run(corpus, recipe, scenario, number, number)


def row(values, **place):
    """Values by run, from those of runs 0, 1, ..."""
    return {run(number, **place): float(value) for number, value in enumerate(values)}
