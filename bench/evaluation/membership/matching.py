"""Non-members that resemble the forget set."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def match(
    forget: NDArray[np.int64],
    heldout: NDArray[np.int64],
    emotions: NDArray[Any],
    speakers: NDArray[Any],
    durations: NDArray[np.floating[Any]],
    seed: int,
) -> NDArray[np.int64]:
    """Pick a held-out utterance for each forgotten one: of its emotion, speaker and length.

    Otherwise an attacker could tell the two sets by these. Of all ways to pair them, it is the one
    that, in this order, uses held-out utterances as few times as it can, pairs as many of the same
    emotion, then of the same speaker, and differs least in duration, summed over the pairs. Where
    an emotion runs short, all its held-out utterances are used and the rest come from others; only
    where there are fewer held-out than forgotten utterances is any used again.

    Args:
        forget: positions of the forget set in the corpus, [M].
        heldout: positions of the held-out set, [H].
        emotions: of every utterance of the corpus.
        speakers: of every utterance.
        durations: in seconds, of every utterance.
        seed: decides between held-out utterances that fit equally well.

    Returns:
        Positions of the matched utterances, [M], in the order of `forget`.
    """
    from scipy.optimize import linear_sum_assignment

    if not len(heldout):
        raise ValueError("There is no held-out utterance to match with.")
    shuffled = np.random.default_rng(seed).permutation(heldout)
    uses = -(-len(forget) // len(heldout))
    candidates = np.tile(shuffled, uses)
    distance = np.abs(durations[forget][:, None] - durations[candidates])
    # Each is worse than all that comes after it together.
    farthest = distance.max(initial=0)
    other_speaker = 1 + len(forget) * farthest
    other_emotion = 1 + len(forget) * (other_speaker + farthest)
    again = 1 + len(forget) * (other_emotion + other_speaker + farthest)
    cost = distance + other_emotion * (emotions[forget][:, None] != emotions[candidates])
    cost += other_speaker * (speakers[forget][:, None] != speakers[candidates])
    cost += again * np.repeat(np.arange(uses), len(heldout))
    _, chosen = linear_sum_assignment(cost)
    matched: NDArray[np.int64] = candidates[chosen]
    return matched
