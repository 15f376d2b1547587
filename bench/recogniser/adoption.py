"""Adopted models: trained elsewhere, and kept in the store under a hash of their weights.

Every process finds them there, on whatever machine, and a record says which one it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.errors import LackingError, UserError
from ser_unlearn.results.store import Artefact, Store

if TYPE_CHECKING:
    from torch import Tensor

    from ser_unlearn.recogniser.checkpoints import Checkpoint
    from ser_unlearn.recogniser.outputs import Logits
    from ser_unlearn.recogniser.recipe import Recipe

CHECKPOINTS = "checkpoints"
"""The store's kind of the weights of adopted models."""

SUSPICIOUS = 0.2
"""By how much another order of the outputs must fit better to be taken for the model's own: on a
hundred utterances or more, the best of all orders gains less by chance."""


def adopt(path: Path, recipe: Recipe, n_emotions: int, store: Store) -> tuple[str, Checkpoint]:
    """Read a checkpoint, and keep its weights in the store.

    Args:
        path: the checkpoint, in either layout.
        recipe: what model it is of.
        n_emotions: how many outputs that has.
        store: where it is kept.

    Returns:
        What it is known by from now on, and its layout.

    Raises:
        UserError: if it is not a checkpoint of the recipe's model.
    """
    from ser_unlearn.recogniser.checkpoints import read_checkpoint
    from ser_unlearn.recogniser.model import build

    found = read_checkpoint(path, build(recipe, n_emotions, seed=0))
    key = checksum(found.state)
    store.fetch(CHECKPOINTS, {"weights": key}, lambda: Artefact(found.state))
    return key, found


def adopted(key: str, store: Store) -> dict[str, Tensor]:
    """The weights of an adopted model.

    Raises:
        LackingError: if the store does not have them.
    """

    def lacking() -> Artefact:
        raise LackingError(
            f"The store does not have the checkpoint with the weights {key[:12]}. "
            "Name it again: --checkpoint PATH."
        )

    return dict(store.fetch(CHECKPOINTS, {"weights": key}, lacking).tensors)


def checksum(state: Mapping[str, Tensor]) -> str:
    """Hash of names and weights, bit for bit; their order does not count."""
    hashed = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        hashed.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()


def check_order(logits: Logits, labels: NDArray[np.int64], emotions: Sequence[str]) -> None:
    """Refuse a model whose outputs stand for the emotions in another order than the card's.

    Args:
        logits: of utterances that it was trained on, [N, C].
        labels: the numbers of their emotions, [N].
        emotions: their names, [C].

    Raises:
        UserError: if another order fits far better.
    """
    from scipy.optimize import linear_sum_assignment

    said = logits.argmax(axis=1)
    counts = np.zeros((len(emotions), len(emotions)))
    np.add.at(counts, (said, labels), 1 / len(labels))
    outputs, meant = linear_sum_assignment(counts, maximize=True)
    if counts[outputs, meant].sum() > counts.trace() + SUSPICIOUS:
        order = ", ".join(emotions[each] for each in meant.tolist())
        raise UserError(
            f"The checkpoint's outputs seem to stand for other emotions than the card says: right "
            f"are {counts.trace():.0%} of the training set, and {counts[outputs, meant].sum():.0%} "
            f"in the order {order}. Write the emotions in the order of the model into the card."
        )
