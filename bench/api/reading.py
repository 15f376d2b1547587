"""`records`: what the results folder holds, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def records(results: str | Path = "results") -> pd.DataFrame:
    """A line for every record below a results folder.

    Args:
        results: the folder.

    Returns:
        Columns corpus, recipe, scenario, method, needs, model_seed, forget_seed, method_seed,
        status, reason, one for every metric of `ser-unlearn list metrics`, and commit. An empty
        table if there is no record.

    Raises:
        UserError: if a record is damaged.
    """
    import pandas as pd

    from ser_unlearn.report.tables import flat
    from ser_unlearn.results.records import read_records

    return pd.DataFrame(flat(read_records(Path(results))))
