"""Values by model seed and forget set, for tests of comparisons, and how closely numbers agree."""

from __future__ import annotations

from ser_unlearn.report.comparison import Cell

# Sums of a few dozen numbers of at most 100, and quantities made of them.
ROUNDING = 1e-9

# The project's bound for agreement with another implementation.
AGREEMENT = 1e-6


def cell(model=0, forget=0, method=0, corpus="c", recipe="r", scenario="random:16"):
    return Cell(corpus, recipe, scenario, model, forget, method)


def grid(table):
    """Values by cell, from rows of model seeds with a column for each forget set."""
    return {
        cell(model, forget): float(value)
        for model, row in enumerate(table)
        for forget, value in enumerate(row)
    }
