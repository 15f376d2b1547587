"""What a model says of every utterance, and the table in which it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from torch import Tensor, nn

    from ser_unlearn.data.corpus import Utterance
    from ser_unlearn.recogniser.features import Ragged

Logits = NDArray[np.float32]

LARGEST_BATCH = 64


def predict(
    model: nn.Module, features: Ragged, places: Sequence[int], device: torch.device
) -> Tensor:
    """Logits of whole utterances, in eval mode.

    Only utterances of equal length share a batch: without padding, what a model says of an
    utterance does not depend on the others.

    Args:
        model: features [B, T, F] and relative lengths [B] to logits [B, C].
        features: the whole corpus.
        places: which utterances.
        device: where the model is.

    Returns:
        Logits [len(places), C] on the processor, in the order of `places`.
    """
    import torch

    logits: dict[int, Tensor] = {}
    with eval_mode(model):
        for rows in equally_long(features, places):
            outputs = predict_batch(model, features, [places[row] for row in rows], device)
            logits.update(zip(rows, outputs, strict=True))
    return torch.stack([logits[row] for row in range(len(places))])


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put a model in eval mode for a while, and then every part of it back in its own mode."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    yield
    for module, was in training.items():
        module.training = was


def equally_long(features: Ragged, places: Sequence[int]) -> list[list[int]]:
    """Which of some utterances share a batch, as positions in `places`; the shortest come first."""
    by_length: dict[int, list[int]] = {}
    for row, place in enumerate(places):
        by_length.setdefault(int(features.lengths[place]), []).append(row)
    return [
        rows[start : start + LARGEST_BATCH]
        for _, rows in sorted(by_length.items())
        for start in range(0, len(rows), LARGEST_BATCH)
    ]


def predict_batch(
    model: nn.Module, features: Ragged, places: Sequence[int], device: torch.device
) -> Tensor:
    """Logits [len(places), C] of utterances of equal length, in the mode that the model is in."""
    import torch

    with torch.no_grad():
        inputs = torch.stack([features[place] for place in places]).to(device)
        logits: Tensor = model(inputs, torch.ones(len(places), device=device)).cpu()
    return logits


def cross_entropy(logits: Logits, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each utterance's cross-entropy in nats [N], of logits [N, C] and labels [N]."""
    from scipy.special import log_softmax

    log_probabilities = log_softmax(logits.astype(np.float64), axis=1)
    loss: NDArray[np.float64] = -log_probabilities[np.arange(len(labels)), labels]
    return loss


def to_table(
    logits: Logits,
    utterances: Sequence[Utterance],
    emotions: Sequence[str],
    sets: Mapping[str, Sequence[int]],
) -> pd.DataFrame:
    """A line for each utterance: what it is, and what a model says of it.

    Args:
        logits: [N, C].
        utterances: the corpus, [N].
        emotions: the names of the C classes.
        sets: positions of the sets that the corpus is divided into, by name.

    Returns:
        Columns utterance, set, emotion (the true one), speaker, duration_s, loss (cross-entropy in
        nats), and logit_<emotion> for every emotion.
    """
    import pandas as pd

    names = {place: name for name, places in sets.items() for place in places}
    labels = np.array([emotions.index(each.emotion) for each in utterances])
    return pd.DataFrame(
        {
            "utterance": [each.name for each in utterances],
            "set": [names[place] for place in range(len(utterances))],
            "emotion": [each.emotion for each in utterances],
            "speaker": [each.speaker for each in utterances],
            "duration_s": [each.duration_s for each in utterances],
            "loss": cross_entropy(logits, labels),
            **{f"logit_{name}": logits[:, column] for column, name in enumerate(emotions)},
        }
    )


def logits_of(table: pd.DataFrame) -> Logits:
    """The logits [N, C] of a table that `to_table` made, bit for bit."""
    columns = [name for name in table.columns if name.startswith("logit_")]
    return np.ascontiguousarray(table[columns].to_numpy(np.float32))
