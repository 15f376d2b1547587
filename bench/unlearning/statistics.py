"""Statistics kept from training: how much each weight of a model matters to its training set.

Some methods do without the training data, but not without a memory of it. Whoever trains a model
can keep this memory; so it is computed once for each original model, at nobody's expense.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ser_unlearn.recogniser.adoption import checksum
from ser_unlearn.recogniser.batches import Utterances
from ser_unlearn.recogniser.model import Recogniser
from ser_unlearn.recogniser.setup import Setup, Trained
from ser_unlearn.results.identity import digest, numerics
from ser_unlearn.results.revisions import revisions
from ser_unlearn.results.store import Artefact


@dataclass(frozen=True)
class Statistics:
    """Importances of a model's weights, by the weight's name. Not to be written to."""

    fisher: Mapping[str, Tensor]
    """Mean over utterances of the squared gradient of the cross-entropy: the diagonal of the
    empirical Fisher information."""
    sensitivity: Mapping[str, Tensor]
    """Mean over utterances of the absolute gradient of the logits' squared L2 norm."""


def fisher(model: Recogniser, data: Utterances) -> dict[str, Tensor]:
    """The diagonal of the empirical Fisher information: see `Statistics.fisher`.

    Args:
        model: put in eval mode, and left in it; weights that take no gradients are left out.
        data: with their labels.
    """
    return _mean(model, data, cross_entropy, torch.square)


def sensitivity(model: Recogniser, data: Utterances) -> dict[str, Tensor]:
    """How far each weight moves the logits: see `Statistics.sensitivity`; no label is looked at.

    As memory-aware synapses have it: Aljundi et al. 2018, arXiv:1711.09601, equation 5.

    Args:
        model: put in eval mode, and left in it; weights that take no gradients are left out.
        data: the utterances.
    """
    return _mean(model, data, lambda logits, _: logits.square().sum(), torch.abs)


def _mean(
    model: Recogniser,
    data: Utterances,
    objective: Callable[[Tensor, Tensor], Tensor],
    size: Callable[[Tensor], Tensor],
) -> dict[str, Tensor]:
    """Mean over utterances of the size of the objective's gradient, by the weight's name.

    A mean of sizes needs each utterance's own gradient. Of whole utterances and in eval mode, so
    that nothing in it is random.
    """
    model.eval()
    weights = {name: each for name, each in model.named_parameters() if each.requires_grad}
    total = {name: torch.zeros_like(each) for name, each in weights.items()}
    for inputs, lengths, labels in data.batches(1, shuffle=False, crop=False):
        found = objective(model(inputs, lengths), labels)
        gradients = torch.autograd.grad(found, list(weights.values()))
        for name, gradient in zip(weights, gradients, strict=True):
            total[name] += size(gradient) / len(data)
    return total


def kept(setup: Setup, original: Trained, places: Sequence[int]) -> Statistics:
    """The statistics of an original model, computed now if the store lacks them.

    Args:
        setup: corpus and recipe.
        original: the model.
        places: positions of its training set in the corpus.
    """

    def make() -> Artefact:
        # Nothing is drawn from this generator: utterances are whole and in order.
        data = setup.utterances(places, torch.Generator())
        model = setup.load(original.state)
        computed = {"fisher": fisher(model, data), "sensitivity": sensitivity(model, data)}
        return Artefact(
            {
                f"{kind}.{name}": each.cpu()
                for kind, values in computed.items()
                for name, each in values.items()
            }
        )

    identity = {
        "corpus": setup.corpus.identity,
        "recipe": setup.recipe.digest,
        "utterances": digest({"places": list(places)}),
        "weights": checksum(original.state),
        "device": setup.device.type,
        "revisions": revisions(["corpus", "features", "training", "statistics"]),
        "packages": numerics(),
    }
    tensors = setup.store.fetch("statistics", identity, make).tensors

    def part(prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): each.to(setup.device)
            for name, each in tensors.items()
            if name.startswith(prefix)
        }

    return Statistics(part("fisher."), part("sensitivity."))
