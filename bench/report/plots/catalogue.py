"""The catalogue: which plots there are, what each shows, and what it is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ser_unlearn.report.plots.curves import strips
from ser_unlearn.report.plots.dots import dots
from ser_unlearn.report.plots.heat import heat
from ser_unlearn.report.plots.rankings import ranking
from ser_unlearn.report.plots.scatter import scatter
from ser_unlearn.report.plots.themes import Spec, Theme
from ser_unlearn.report.standings import Discipline


@dataclass(frozen=True)
class Plot:
    """A plot by what it shows."""

    name: str
    """Of its files."""
    title: str
    meaning: str
    make: Callable[[Theme, Discipline, Sequence[str]], Spec]
    """From a theme, a discipline, and the needs that get colours."""
    field: str
    """Without it there is nothing to draw."""
    data: Literal["rows", "cells", "curves"] = "rows"
    """What it is drawn from: what has the field."""


PLOTS = (
    Plot(
        "distance-against-price",
        "What it costs",
        "The line of steps is the Pareto front: nothing else is both better and cheaper. Filled "
        "points may win; a mark bars hollow ones. Shaded: the 95 % interval of retraining.",
        scatter,
        "value",
    ),
    Plot(
        "ranking",
        "What can be told apart",
        "Means with 95 % intervals. A bar on the right joins neighbours of which no two are told "
        "apart by paired tests, corrected for all pairs.",
        ranking,
        "value",
    ),
    Plot(
        "tables",
        "Every method in every table",
        "The mean of each method in each corpus and scenario.",
        lambda theme, discipline, _: heat(theme, discipline),
        "value",
        data="cells",
    ),
    Plot(
        "forgetting",
        "How it forgets",
        "Every look at the forget set of the methods that look at it while they work: what was "
        "spent by then, as a share of retraining, and what was still known. Means over runs.",
        lambda theme, _, __: strips(theme),
        "accuracy",
        data="curves",
    ),
    Plot(
        "harm",
        "Who bears the loss",
        "The largest loss of accuracy of any emotion, speaker and gender, in points.",
        lambda theme, _, __: dots(
            theme,
            {
                "emotion": "worst_emotion_drop",
                "speaker": "worst_speaker_drop",
                "gender": "worst_gender_drop",
            },
            "points of accuracy lost by the worst group",
            ("circle", "square", "triangle-up"),
        ),
        "worst_emotion_drop",
    ),
    Plot(
        "durability",
        "What comes back",
        "Points of forget accuracy that return once weights are rounded to int8, or the smallest "
        "30 % are gone. Retraining shows what is usual.",
        lambda theme, _, __: dots(
            theme,
            {"int8": "quantised_return", "pruned": "pruned_return"},
            "points of forget accuracy that return",
            ("circle", "square"),
        ),
        "pruned_return",
    ),
    Plot(
        "relearning",
        "How soon it is known again",
        "Steps of training on the forget set until it is known as well as to the original; 31 if "
        "it never is. Retraining shows what is usual.",
        lambda theme, _, __: dots(theme, {"steps": "relearn_steps"}, "steps", ("circle",)),
        "relearn_steps",
    ),
)
