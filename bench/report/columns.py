"""Columns: how a table shows each metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ser_unlearn.report.intervals import Interval, Kind
from ser_unlearn.report.lines import Line
from ser_unlearn.report.standings import UNHEARD, Discipline
from ser_unlearn.report.text import Escape
from ser_unlearn.results.meanings import METRICS

INSTANT = 0.1
"""Seconds below which a method's speed-up is a matter of the clock."""


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

    def interval(self, line: Line) -> Interval | None:
        """The mean of a row and its interval within the metric's bounds, as the table has them."""
        found = line.interval(self.metric, self.kind)
        if found is None or found.low is None or found.high is None:
            return found and Interval(found.mean * self.scale, None, None)
        meaning = METRICS[self.metric]
        low = found.low if meaning.least is None else max(found.low, meaning.least)
        high = found.high if meaning.most is None else min(found.high, meaning.most)
        return Interval(found.mean * self.scale, low * self.scale, high * self.scale)

    def mean(self, line: Line) -> str:
        """The mean of a row."""
        found = self.interval(line)
        if found is None:
            return "–"
        if self.metric == "speedup" and is_instant(line):
            return "instant"
        return f"{found.mean:z.{self.digits}f}"

    def cell(self, line: Line) -> str:
        """The mean of a row, with its interval in parentheses if it is to be shown."""
        found, text = self.interval(line), self.mean(line)
        if not self.spread or found is None or found.low is None or found.high is None:
            return text
        digits = self.digits - 1
        return f"{text} ({found.low:z.{digits}f} to {found.high:z.{digits}f})"


def is_instant(line: Line) -> bool:
    """Whether a row takes so little that its speed-up says nothing."""
    seconds = line.mean("runtime_s")
    return seconds is not None and seconds < INSTANT


DISTANCE = Column("distance", "distance", 2, kind="factor", spread=True)
FORGETTING = Column("forgetting_rate", "forgetting %", 1, 100, "share", spread=True)
TEST = Column("test_accuracy", "test acc. %", 1, 100, "share", spread=True)
LOSS = Column("test_accuracy_drop", "test loss", spread=True)
FLOPS = Column("flops_ratio", "price", 3)
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
    Column("speedup", "speed-up", kind="factor"),
    FLOPS,
)
"""Of the discipline "as if never heard", which is the table of all methods."""

WIPED = (LOSS, FORGETTING, TEST, *RETURNS, FLOPS)
"""Of the discipline "wiped out": what it costs, and what of it lasts."""

LASTING = (
    Column("worst_emotion_drop", "worst emotion"),
    Column("worst_speaker_drop", "worst speaker"),
    Column("worst_gender_drop", "worst gender"),
    *RETURNS,
    Column("forget_agreement", "agreement forget %", 1, 100),
    Column("test_agreement", "agreement test %", 1, 100),
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
    first, *rest = (column.cell(line) for column in columns)
    return [escape(line.label), mark, escape(line.needed), first, told(line), *rest, runs(line)]


def runs(line: Line) -> str:
    """How many of a row's records are done."""
    done = len(line.outcomes) - len(line.failures)
    return f"{done}" if not line.failures else f"{done} of {len(line.outcomes)}"


def told(line: Line) -> str:
    """In how many runs attacks tell a row from retraining."""
    count, known = line.told
    return f"{count} of {known}" if known else "–"


def lasting_row(line: Line, escape: Escape) -> list[str]:
    """A row's cells in the last table: label, data needed, a cell for each of `LASTING`."""
    return [escape(line.label), escape(line.needed), *(column.cell(line) for column in LASTING)]
