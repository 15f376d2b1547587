"""`forget`: a trained model, and recordings that it is to forget."""

from __future__ import annotations

from pathlib import Path

import click

from ser_unlearn.api.forgetting import AUTO, HAVE
from ser_unlearn.api.forgetting import forget as do
from ser_unlearn.cli import options
from ser_unlearn.cli.trusting import admit, trust_recipe
from ser_unlearn.errors import UserError
from ser_unlearn.unlearning.declared import DATA


@click.command()
@click.option("--checkpoint", required=True, type=click.Path(path_type=Path), help="The model.")
@click.option(
    "--recipe", required=True, help="What it is a model of: a name, or the path of a file."
)
@click.option(
    "--corpus", required=True, help="What it was trained on: a name, a card's path, or a folder."
)
@options.emotion_column
@options.speaker_column
@click.option("--forget", "scenario", required=True, metavar="list:FILE", help="What to forget.")
@click.option(
    "--method",
    default=AUTO,
    show_default=True,
    help="A row of the tables; auto takes the leaderboard's first for the data that there is.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="METHOD.FIELD=VALUE", help="A method's parameter."
)
@click.option(
    "--have",
    default=",".join(HAVE),
    show_default=True,
    metavar="DATA,...",
    help=f"The data that auto may use, of {', '.join(DATA)}.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder to be made, for the unlearned model and the report.",
)
@trust_recipe
@options.data_dir
@options.results
@options.timeout
@options.device
def forget(
    checkpoint: Path,
    recipe: str,
    corpus: str,
    emotion_column: str | None,
    speaker_column: str | None,
    scenario: str,
    method: str,
    settings: tuple[str, ...],
    have: str,
    output: Path,
    trust_recipe: bool,
    data_dir: Path | None,
    results: Path,
    timeout_s: float | None,
    device: str,
) -> None:
    """Make a trained model forget recordings, and report what was measured.

    The model is a folder that SpeechBrain's Checkpointer wrote, or a .safetensors file; it is
    written back in the same layout. FILE has the name of a recording on each line.
    """
    data = have.split(",")
    wrong = [each for each in data if each not in DATA]
    if wrong:
        raise UserError(f"--have: there is no data '{wrong[0]}'. There is {', '.join(DATA)}.")
    admit([recipe], trust_recipe)
    report = do(
        checkpoint,
        recipe=recipe,
        corpus=corpus,
        forget=scenario,
        output=output,
        method=method,
        parameters=_settings(settings, method),
        have=data,
        data_dir=data_dir,
        emotion_column=emotion_column,
        speaker_column=speaker_column,
        results=results,
        device=device,
        timeout_s=timeout_s,
    )
    click.echo(report.as_markdown())
    click.echo(f"Wrote {output / report.model} and {output / 'report.md'}.", err=True)


def _settings(settings: tuple[str, ...], row: str) -> dict[str, str]:
    """What `--set` says of the method of a row.

    Raises:
        UserError: if it names another method, or no row was named.
    """
    found = options.parameters(settings)
    if found and row == AUTO:
        raise UserError("--set: which method? Name it with --method.")
    name = Path(row).stem if row.endswith(".py") else row.partition("-")[0]
    others = set(found) - {name}
    if others:
        raise UserError(f"--set names the method '{min(others)}', but --method is {row}.")
    return found.get(name, {})
