"""Columns: how a table shows each metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ser_unlearn.report.intervals import Kind
from ser_unlearn.report.lines import Line
from ser_unlearn.report.standings import UNHEARD, Discipline
from ser_unlearn.report.text import Escape
from ser_unlearn.results.meanings import METRICS


@dataclass(frozen=True)
class Column:
    """A metric as a table shows it."""

    metric: str
    title: str
    digits: int = 1
    scale: float = 1
    kind: Kind = "amount"
    spread: bool = False
    """Whether its interval is shown."""

    def cell(self, line: Line) -> str:
        """The mean of a row, with its interval in parentheses if it is to be shown."""
        found = line.interval(self.metric, self.kind)
        if found is None:
            return "–"
        text = f"{found.mean * self.scale:z.{self.digits}f}"
        if not self.spread or found.low is None or found.high is None:
            return text
        meaning = METRICS[self.metric]
        low = found.low if meaning.least is None else max(found.low, meaning.least)
        high = found.high if meaning.most is None else min(found.high, meaning.most)
        digits = self.digits - 1
        return f"{text} ({low * self.scale:z.{digits}f} to {high * self.scale:z.{digits}f})"


DISTANCE = Column("distance", "distance", 2, kind="factor", spread=True)
FORGETTING = Column("forgetting_rate", "forgetting %", 1, 100, "share", spread=True)
TEST = Column("test_accuracy", "test acc. %", 1, 100, "share", spread=True)
LOSS = Column("test_accuracy_drop", "test loss", spread=True)
FLOPS = Column("flops_ratio", "FLOPs ratio", 3)
RETURNS = (
    Column("quantised_return", "int8 return"),
    Column("pruned_return", "pruned return"),
    Column("relearn_steps", "relearn steps"),
)

COLUMNS = (
    DISTANCE,
    FORGETTING,
    TEST,
    LOSS,
    Column("gap_to_retrain", "gap to retrain", spread=True),
    Column("mia_auc", "MIA AUC", 2),
    Column("attack_shift", "attack shift", 2),
    Column("runtime_s", "runtime s"),
    Column("speedup", "speed-up"),
    FLOPS,
)
"""Of the discipline "as if never heard", which is the table of all methods."""

WIPED = (LOSS, FORGETTING, TEST, *RETURNS, FLOPS)
"""Of the discipline "wiped out": what it costs, and what of it lasts."""

LASTING = (
    Column("worst_emotion_drop", "worst emotion"),
    Column("worst_speaker_drop", "worst speaker"),
    Column("worst_gender_drop", "worst gender"),
    Column("forget_agreement", "agreement forget %", 1, 100),
    Column("test_agreement", "agreement test %", 1, 100),
    *RETURNS,
)
"""Of the last table: who bears the loss, how like retraining the model is utterance by utterance,
and what lasts."""


def columns_of(discipline: Discipline) -> tuple[Column, ...]:
    """The columns of a discipline's table."""
    return COLUMNS if discipline is UNHEARD else WIPED


def headers(columns: Sequence[Column]) -> list[str]:
    """The headers of a table of these columns, and of what `table_row` puts around them."""
    first, *rest = (column.title for column in columns)
    return ["method", "mark", "needs", first, "told", *rest, "runs"]


def table_row(line: Line, columns: Sequence[Column], mark: str, escape: Escape) -> list[str]:
    """A row's cells: label, mark, data needed, told, a cell for each column, runs."""
    done = len(line.outcomes) - len(line.failures)
    runs = f"{done}" if not line.failures else f"{done} of {len(line.outcomes)}"
    first, *rest = (column.cell(line) for column in columns)
    count, known = line.told
    told = f"{count} of {known}" if known else "–"
    return [escape(line.label), mark, escape(line.needed), first, told, *rest, runs]


def lasting_row(line: Line, escape: Escape) -> list[str]:
    """A row's cells in the last table: label, data needed, a cell for each of `LASTING`."""
    return [escape(line.label), escape(line.needed), *(column.cell(line) for column in LASTING)]
