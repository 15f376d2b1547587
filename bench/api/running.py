"""`run`: the benchmark, or what of it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def run(
    suite: str = "default",
    *,
    corpora: Sequence[str] = (),
    recipes: Sequence[str] = (),
    scenarios: Sequence[str] = (),
    methods: Sequence[str] = (),
    runs: int | None = None,
    references: int | None = None,
    attacks: str | None = None,
    durability: bool = False,
    parameters: Mapping[str, Mapping[str, object]] | None = None,
    checkpoint: str | Path | None = None,
    data_dir: str | Path | None = None,
    emotion_column: str | None = None,
    speaker_column: str | None = None,
    results: str | Path = "results",
    jobs: int | None = None,
    device: str = "cpu",
    timeout_s: float | None = None,
) -> pd.DataFrame:
    """Run what a suite asks for and the results folder lacks, on this machine.

    Call it under `if __name__ == "__main__":` in a script: workers import the script anew.

    Args:
        suite: its name, or the path of its file.
        corpora: instead of the suite's: names, paths of cards, or folders with recordings; so are
            recipes, scenarios and methods. A method may be the path of its file.
        recipes: see there; names, or paths of files, which are code and are run.
        scenarios: see there; "list:FILE" too.
        methods: see there.
        runs: how many originals, each with a forget set of its own; None for what the suite says.
            So it is with references, attacks and timeout_s.
        references: how many models are retrained for each request.
        attacks: the dearest membership attacks: "simple", "standard" or "strong".
        durability: whether to see what is left of forgetting after compression and training.
        parameters: by method and field, where they are not the defaults.
        checkpoint: a trained model that is the original of all runs.
        data_dir: the recordings, or a folder with one folder a corpus.
        results: where records go.
        emotion_column: of a corpus that is a folder without a card, the column with emotions.
        speaker_column: the one with speakers.
        jobs: workers side by side; None for one a core.
        device: "cpu" or "cuda".
        timeout_s: the seconds that a method may take.

    Returns:
        The records of the whole grid, as `records` shows them.

    Raises:
        UserError: before anything runs, if something is not there or does not fit.
    """
    import pandas as pd
    from rich.console import Console

    from ser_unlearn.data.brought import bring
    from ser_unlearn.report.tables import flat
    from ser_unlearn.runner import run as runner
    from ser_unlearn.runner.grid import Options, adopt_for
    from ser_unlearn.runner.suite import changed, load_suite

    names, brought = bring(corpora, emotion_column, speaker_column)
    changes: dict[str, Any] = {
        "corpora": names,
        "recipes": list(recipes),
        "scenarios": list(scenarios),
        "methods": list(methods),
        "runs": runs,
        "references": references,
        "attacks": attacks,
        "durability": durability,
    }
    chosen = changed(load_suite(suite), changes)
    overrides = {
        method: {field: str(value) for field, value in fields.items()}
        for method, fields in (parameters or {}).items()
    }
    folder = None if data_dir is None else Path(data_dir)
    options = Options(Path(results), folder, jobs, device, timeout_s, brought=brought)
    if checkpoint is not None:
        key = adopt_for(chosen, Path(checkpoint), options.card)
        options = replace(options, checkpoint=key)
    return pd.DataFrame(flat(runner.run(chosen, overrides, options, Console(stderr=True))))
