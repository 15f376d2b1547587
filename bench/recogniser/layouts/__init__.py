"""The layouts of recipes, one file each: which keys a file has, and what becomes of them."""

from __future__ import annotations

from collections.abc import Collection

from ser_unlearn.recogniser.layouts import ecapa, wav2vec2
from ser_unlearn.recogniser.layouts.layout import Layout

LAYOUTS = (ecapa.LAYOUT, wav2vec2.LAYOUT)


def layout_of(keys: Collection[str]) -> Layout:
    """The layout that lacks the smallest share of its keys in a file; of equals the first."""
    return min(LAYOUTS, key=lambda layout: len(layout.missing(keys)) / len(layout.needs))
