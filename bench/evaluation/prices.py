"""What membership attacks may cost."""

from __future__ import annotations

from typing import Literal

Price = Literal["simple", "standard", "strong"]

PRICES: dict[Price, str] = {
    "simple": "the audited model's outputs alone",
    "standard": "shadow models, trained once for all methods",
    "strong": "shadow models that the audited method makes unlearn, for every method anew",
}
"""What attacks of each price ask for, the cheapest first."""


def up_to(price: Price) -> list[Price]:
    """The price and all that are cheaper."""
    prices = list(PRICES)
    return prices[: prices.index(price) + 1]


def down_to(price: Price) -> list[Price]:
    """The price and all that are dearer."""
    prices = list(PRICES)
    return prices[prices.index(price) :]
