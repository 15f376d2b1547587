"""Data sets on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ser_unlearn.data.cards import Card
from ser_unlearn.data.columns import audio_column, entries_of, parts_of
from ser_unlearn.data.labels import Entry, Reader
from ser_unlearn.data.origins import FolderSource, HubSource, LocalSource
from ser_unlearn.errors import UserError
from ser_unlearn.results.names import shown

PATIENCE_S = 5.0
"""Within which the hub has to answer; `datasets` itself asks for half a minute."""


def from_hub(card: Card, source: HubSource) -> list[Entry]:
    """The recordings of a data set on the hub.

    Raises:
        UserError: if the hub cannot be reached and the data set was never read, or a label is
            unknown to the card.
    """
    import datasets

    unreachable = _fault(source)
    try:
        with _offline(unreachable is not None):
            dataset = datasets.load_dataset(
                source.id,
                name=source.configuration,
                revision=source.revision,
                split="+".join(source.splits),
            )
    # The library's errors are many, and change with its version.
    except Exception as error:
        raise _refusal(card, source, unreachable or error) from error
    called = f"The data set {source.id}"
    audio = audio_column(source)
    reader = Reader(source, dataset.column_names, called)
    reader.require(audio)
    rows, sounds = parts_of(dataset, reader, audio, called, _cached)
    return entries_of(card, source, reader, rows, sounds)


def _cached(paths: Sequence[str]) -> list[Path]:
    """Files of the hub lie where `datasets` has put them."""
    return [Path(path) for path in paths]


def _fault(source: HubSource) -> Exception | None:
    """Why the hub does not give a data set, if it does not."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import logging

    # It reports every attempt to connect; one error at the end is enough.
    logging.set_verbosity_error()
    try:
        HfApi().dataset_info(source.id, revision=source.revision, timeout=PATIENCE_S)
    # Those of the network are another package's, which changes with the version.
    except Exception as error:
        return error
    return None


@contextmanager
def _offline(wanted: bool) -> Iterator[None]:
    """Let `datasets` look only at what it has loaded before."""
    from huggingface_hub import constants

    from datasets import config

    before = config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    try:
        if wanted:
            config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
        yield
    finally:
        config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def _refusal(card: Card, source: HubSource, error: Exception) -> UserError:
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        remedy = "If it asks for an account, log in (hf auth login) and accept its terms"
    else:
        remedy = "Connect to the network"
    if any(isinstance(each, FolderSource | LocalSource) for each in card.sources):
        remedy += ", or give a folder with the recordings: --data-dir FOLDER"
    else:
        remedy += ", or give a folder with a copy of the data set: --data-dir FOLDER"
    return UserError(
        f"The corpus '{card.name}' could not be read from the hub: {source.id} "
        f"({type(error).__name__}: {shown(str(error), 120)}). {remedy}."
    )
