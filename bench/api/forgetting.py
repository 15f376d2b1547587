"""`forget`: a trained model, and recordings that it is to forget."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ser_unlearn.errors import DiskError, UserError
from ser_unlearn.results.files import disk_errors
from ser_unlearn.results.folders import check_folder

if TYPE_CHECKING:
    from ser_unlearn.report.choice import Choice
    from ser_unlearn.report.forgotten import Report
    from ser_unlearn.unlearning.registry import Row

AUTO = "auto"
"""Stands for the leaderboard's choice of a method."""

HAVE = ("forget", "retain")
"""The data that there is, if nothing is said of it."""


def forget(
    checkpoint: str | Path,
    *,
    recipe: str,
    corpus: str,
    forget: str,
    output: str | Path,
    method: str = AUTO,
    parameters: Mapping[str, object] | None = None,
    have: Collection[str] = HAVE,
    data_dir: str | Path | None = None,
    emotion_column: str | None = None,
    speaker_column: str | None = None,
    results: str | Path = "results",
    device: str = "cpu",
    timeout_s: float | None = None,
) -> Report:
    """Make a trained model forget recordings.

    Args:
        checkpoint: the model: a folder that SpeechBrain's `Checkpointer` wrote, or a .safetensors
            file.
        recipe: what it is a model of: a name, or the path of a file, which is code and is run.
        corpus: what it was trained on: the training set of this card (its name, or its path), or of
            a folder without one.
        forget: a scenario, such as "list:names.txt".
        output: a folder that is made, with the unlearned model in the checkpoint's layout,
            report.md and report.json.
        method: a row of the tables, or "auto": the first on the leaderboard that needs no more
            than `have`.
        parameters: of the method, by field, where they are not the defaults.
        have: the data that there is: some of forget, retain, validation and statistics.
        data_dir: the recordings.
        emotion_column: of a folder without a card, the column with emotions.
        speaker_column: the one with speakers.
        results: the records that "auto" looks at.
        device: "cpu" or "cuda".
        timeout_s: the seconds that the method may take.

    Returns:
        What the report says.

    Raises:
        UserError: if something is not there or does not fit, or the method fails; then nothing is
            written.
    """
    from ser_unlearn.data.brought import bring
    from ser_unlearn.data.lists import take
    from ser_unlearn.data.scenarios import requests
    from ser_unlearn.recogniser.adoption import adopt
    from ser_unlearn.recogniser.recipe import load_recipe
    from ser_unlearn.report.forgotten import Report
    from ser_unlearn.results.mirror import check_store, store_at
    from ser_unlearn.results.store import default_place
    from ser_unlearn.runner.forgetting import forget as do
    from ser_unlearn.runner.grid import Options
    from ser_unlearn.runner.local import apart
    from ser_unlearn.runner.run import check_inputs
    from ser_unlearn.unlearning.registry import check_classes

    checkpoint, output = Path(checkpoint), Path(output)
    _check_output(output)
    check_store()
    store = store_at(default_place())
    scenario, *more = requests(take(forget, store))
    if more:
        raise UserError(f"'{forget}' stands for {len(more) + 1} requests. Name one: {scenario}.")
    folder = None if data_dir is None else Path(data_dir)
    (name,), brought = bring([corpus], emotion_column, speaker_column)
    options = Options(Path(results), folder, device=device, timeout_s=timeout_s, brought=brought)
    check_inputs([(name, recipe, scenario)], options)
    row, choice = _row(method, parameters or {}, have, Path(results))
    apart(check_classes, [row])
    loaded = load_recipe(recipe)
    row = row.under(loaded.layout.family)
    key, found = adopt(checkpoint, loaded, len(options.card(name).emotions), store)
    done = do(name, recipe, scenario, row, replace(options, checkpoint=key))
    words = ["--corpus", corpus]
    if brought and brought[name].folder and emotion_column and speaker_column:
        words += ["--emotion-column", emotion_column, "--speaker-column", speaker_column]
    with _made_whole(output) as made:
        report = Report(
            done,
            name,
            loaded.name,
            key,
            found.write(done.state, made).name,
            found.left_out,
            choice.reason if choice else "",
            _commands(checkpoint, recipe, words, forget, row, output, folder),
        )
        text = json.dumps(report.as_json(), indent=2, allow_nan=False) + "\n"
        (made / "report.json").write_text(text, encoding="utf-8")
        (made / "report.md").write_text(report.as_markdown(), encoding="utf-8")
    return report


def _row(
    method: str, parameters: Mapping[str, object], have: Collection[str], results: Path
) -> tuple[Row, Choice | None]:
    """The method that does it, and why if the user did not name it."""
    from ser_unlearn.report.choice import best
    from ser_unlearn.unlearning.registry import list_methods, resolve

    choice = None
    if method == AUTO:
        if parameters:
            raise UserError("Parameters belong to a method: name one with them.")
        known = {row for info in list_methods().values() for row in info.rows}
        choice = best(results, have, known)
        method = choice.label
    row = resolve(method, {})
    if parameters:
        changes = {field: str(value) for field, value in parameters.items()}
        row = resolve(method, {row.method: changes})
    return row, choice


def _commands(
    checkpoint: Path,
    recipe: str,
    corpus: Sequence[str],
    forget: str,
    row: Row,
    output: Path,
    data_dir: Path | None,
) -> dict[str, str]:
    common = ["--checkpoint", str(checkpoint), "--recipe", recipe, *corpus]
    common += [] if data_dir is None else ["--data-dir", str(data_dir)]
    bare, _, settings = row.label.partition("[")
    method = ["--method", bare]
    for setting in settings.removesuffix("]").split(",") if settings else ():
        method += ["--set", f"{row.method}.{setting}"]
    anew = ["forget", *common, "--forget", forget, *method, "--output", str(output)]
    against = ["--method", "original", "--method", "retrain", "--runs", "1", "--references", "5"]
    rest = ["run", *common, "--scenario", forget, *method, *against]
    return {
        "To do it again (into a folder that is not there)": shlex.join(["ser-unlearn", *anew]),
        "To measure the rest, with models that are retrained as the recipe says": shlex.join(
            ["ser-unlearn", *rest]
        ),
    }


def _check_output(output: Path) -> None:
    check_folder(output.parent, "--output")
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise UserError(f"--output: {output} is there already. Name a folder that is not.")


@contextmanager
def _made_whole(output: Path) -> Iterator[Path]:
    """A folder that takes the place of another when all is in it, or never."""

    def failure(reason: str) -> DiskError:
        return DiskError(f"{output} cannot be written: {reason}. Name another with --output.")

    with disk_errors(failure):
        output.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
        try:
            yield made
            umask = os.umask(0)
            os.umask(umask)
            made.chmod(0o777 & ~umask)
            if output.exists():
                output.rmdir()
            made.rename(output)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
