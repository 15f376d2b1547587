"""P-values of several tests together, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number, so that any false alarm among them stays as improbable.

    The i-th smallest of m is multiplied by m - i + 1, and then raised to the one before it if
    that is larger. Holm 1979, Scandinavian Journal of Statistics 6(2).

    Args:
        p_values: in any order.

    Returns:
        The corrected ones, at most 1, in the same order.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for place, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[position]))
        corrected[position] = largest
    return corrected
