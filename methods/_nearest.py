"""The nearest adversarial example of an utterance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ser_unlearn import Batch, targeted_pgd


def nearest(
    original: nn.Module,
    batch: Batch,
    *,
    radius: float,
    doublings: int,
    attack_steps: int,
    step_size: float,
) -> tuple[Batch, Tensor]:
    """Seek each utterance's nearest input that a model gets wrong: Algorithm 1 of AMUN.

    An attack within a ball whose radius doubles until it succeeds. The attack aims at the wrong
    emotion that the model finds likeliest, where the paper's merely leaves the right one.
    Ebrahimpour-Boroojeny et al. 2025, arXiv:2503.00917.

    Args:
        original: the attacked model; its weights should take no gradients.
        batch: features of whole utterances, with their labels.
        radius: the first, as a share of the input's L2 norm.
        doublings: how often the radius may double.
        attack_steps: gradients at each radius.
        step_size: of the attack, as a share of the radius.

    Returns:
        The inputs found, with the labels that the model gives them; and True for each utterance
        that has one, [B]. One that withstands all radii is given back as it is.
    """
    inputs, labels = batch.inputs.clone(), batch.labels.clone()
    with torch.no_grad():
        logits = original(batch.inputs, batch.lengths)
    targets = logits.scatter(1, batch.labels[:, None], -torch.inf).argmax(dim=1)
    left = torch.arange(len(labels), device=labels.device)
    for doubling in range(doublings + 1):
        tried = Batch(batch.inputs[left], batch.lengths[left], batch.labels[left])
        attacked = targeted_pgd(
            original,
            tried,
            targets[left],
            radius=radius * 2**doubling,
            steps=attack_steps,
            step_size=step_size,
        )
        with torch.no_grad():
            said = original(attacked, tried.lengths).argmax(dim=1)
        changed = said != tried.labels
        inputs[left[changed]], labels[left[changed]] = attacked[changed], said[changed]
        left = left[~changed]
        if not len(left):
            break
    found = torch.ones_like(labels, dtype=torch.bool)
    found[left] = False
    return Batch(inputs, batch.lengths, labels), found
