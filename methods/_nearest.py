"""The nearest adversarial example of an utterance."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from ser_unlearn import Batch, targeted_pgd


class Search(Protocol):
    """How the nearest is sought; a method with these fields says it of itself."""

    @property
    def radius(self) -> float:
        """The first, as a share of the input's L2 norm."""

    @property
    def doublings(self) -> int:
        """How often the radius may double."""

    @property
    def attack_steps(self) -> int:
        """Gradients at each radius."""

    @property
    def step_size(self) -> float:
        """Of the attack, as a share of the radius."""


def nearest(original: nn.Module, batch: Batch, search: Search) -> Batch:
    """Seek each utterance's nearest input that a model gets wrong: Algorithm 1 of AMUN.

    An attack within a ball whose radius doubles until it succeeds. The attack aims at the wrong
    emotion that the model finds likeliest, where the paper's merely leaves the right one.
    Ebrahimpour-Boroojeny et al. 2025, arXiv:2503.00917.

    Args:
        original: the attacked model; its weights should take no gradients.
        batch: features of whole utterances, with their labels.
        search: its radii and its effort.

    Returns:
        The inputs found, with the labels that the model gives them. An utterance that withstands
        all radii is given back as it is.
    """
    inputs, labels = batch.inputs.clone(), batch.labels.clone()
    with torch.no_grad():
        logits = original(batch.inputs, batch.lengths)
    targets = logits.scatter(1, batch.labels[:, None], -torch.inf).argmax(dim=1)
    left = torch.arange(len(labels), device=labels.device)
    for doubling in range(search.doublings + 1):
        tried = Batch(batch.inputs[left], batch.lengths[left], batch.labels[left])
        attacked = targeted_pgd(
            original,
            tried,
            targets[left],
            radius=search.radius * 2**doubling,
            steps=search.attack_steps,
            step_size=search.step_size,
        )
        with torch.no_grad():
            said = original(attacked, tried.lengths).argmax(dim=1)
        changed = said != tried.labels
        inputs[left[changed]], labels[left[changed]] = attacked[changed], said[changed]
        left = left[~changed]
        if not len(left):
            break
    return Batch(inputs, batch.lengths, labels)
