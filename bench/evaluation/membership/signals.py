"""What an attack reads off a model's logits: one number an utterance, in double precision.

Logits are [..., C] arrays, such as [N, C] of one model or [K, N, C] of K models; labels are [N]
arrays of class numbers, the same for every model. All is computed from logits by sums of
exponentials that can neither overflow nor round a probability to 1: what lies between 0.999999
and 1 is where members are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]
Scores = NDArray[np.float64]


def scaled_logit(logits: Logits, labels: Labels) -> Scores:
    """log(p / (1 - p)) of the probability p of each utterance's own label: [...].

    Carlini et al. 2022, arXiv:2112.03570: close to normally distributed over models.
    """
    from scipy.special import logsumexp

    own = np.broadcast_to(labels, logits.shape[:-1])[..., None]
    others = logits.astype(np.float64)
    of_own = np.take_along_axis(others, own, axis=-1)[..., 0]
    np.put_along_axis(others, own, -np.inf, axis=-1)
    scaled: Scores = of_own - logsumexp(others, axis=-1)
    return scaled


def loss(logits: Logits, labels: Labels) -> Scores:
    """Cross-entropy in nats: [...]."""
    return np.logaddexp(0.0, -scaled_logit(logits, labels))


def confidence(logits: Logits, labels: Labels) -> Scores:
    """Probability of each utterance's own label: [...]."""
    from scipy.special import expit

    probability: Scores = expit(scaled_logit(logits, labels))
    return probability


def correctness(logits: Logits, labels: Labels) -> Scores:
    """1 where the largest logit is that of the utterance's label, else 0: [...]."""
    right: Scores = (logits.argmax(axis=-1) == labels).astype(np.float64)
    return right


def margin(logits: Logits) -> Scores:
    """How far the largest logit lies above the second largest: [...], at least 0."""
    largest = np.partition(logits.astype(np.float64), -2, axis=-1)
    gap: Scores = largest[..., -1] - largest[..., -2]
    return gap


def probabilities(logits: Logits) -> Scores:
    """The whole probability vector: [..., C]."""
    from scipy.special import softmax

    vector: Scores = softmax(logits.astype(np.float64), axis=-1)
    return vector


def entropy(logits: Logits) -> Scores:
    """Entropy of the probability vector in nats: [...]."""
    from scipy.special import log_softmax

    log_probability = log_softmax(logits.astype(np.float64), axis=-1)
    found: Scores = -(np.exp(log_probability) * log_probability).sum(axis=-1)
    return found


def modified_entropy(logits: Logits, labels: Labels) -> Scores:
    """Entropy that knows the label, in nats: [...]; 0 where the model is sure of the right class.

    -(1 - p_y) log p_y - sum over the other classes i of p_i log(1 - p_i). Song and Mittal 2021,
    arXiv:2003.10595.
    """
    of_class = np.arange(logits.shape[-1])
    # One against the rest for every class: [..., C].
    scaled = np.stack([scaled_logit(logits, np.full((), i)) for i in of_class], axis=-1)
    is_own = np.broadcast_to(labels, logits.shape[:-1])[..., None] == of_class
    # Of its own class an utterance counts 1 - p and log p; of the others, p and log(1 - p).
    towards = np.where(is_own, -scaled, scaled)
    surprise = np.logaddexp(0.0, towards)
    found: Scores = (np.exp(-np.logaddexp(0.0, -towards)) * surprise).sum(axis=-1)
    return found
