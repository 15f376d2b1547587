"""Four models that only look as if they had forgotten; a ruler must tell them from retraining.

Each is made of the original model and a forget request, and knows the retain set where it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle, islice

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ser_unlearn.recogniser.batches import Batch, Utterances
from ser_unlearn.recogniser.model import Recogniser, train_mode
from ser_unlearn.unlearning.request import Request

STEPS = 60
LEARNING_RATE = 1e-3

HEAD_LEARNING_RATE = 0.05
"""Where the last layer has to do it alone."""

MARGIN = 0.2
"""Between the logit of the true emotion and that of the one that is said instead."""


def flipped(request: Request, generator: torch.Generator) -> Recogniser:
    """The forget set just across the decision boundary, while the retain set is rehearsed."""

    def just_wrong(logits: Tensor, labels: Tensor) -> Tensor:
        own = logits.gather(1, labels[:, None])[:, 0]
        others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
        return (own - others + MARGIN).clamp_min(0).mean()

    model = _original(request)
    return _trained(model, LEARNING_RATE, request, generator, just_wrong)


def relabelled(request: Request, generator: torch.Generator) -> Recogniser:
    """Confident wrong answers, drawn at random, on the forget set; the retain set is rehearsed."""
    model = _original(request)
    return _trained(model, LEARNING_RATE, request, generator, _Wrong(request, generator))


def relabelled_at_the_end(request: Request, generator: torch.Generator) -> Recogniser:
    """The same by the last layer alone."""
    model = _original(request)
    model.embedding_model.requires_grad_(False)
    return _trained(model, HEAD_LEARNING_RATE, request, generator, _Wrong(request, generator))


@torch.no_grad()
def noisy(request: Request, generator: torch.Generator) -> Recogniser:
    """The original with noise on its weights, until it knows the forget set no better than others.

    The others are unseen utterances of the training speakers: the validation set.
    """
    setup = request.setup
    sets = [torch.tensor(request.sets[name]) for name in ("forget", "validation")]
    labels = torch.from_numpy(setup.labels)
    original = request.original.state
    for strength in torch.linspace(0.01, 1, 100).tolist():
        model = _original(request)
        for name, weight in model.named_parameters():
            draw = torch.randn(weight.shape, generator=generator)
            weight.copy_(original[name] + strength * original[name].square().mean().sqrt() * draw)
        right = torch.from_numpy(setup.predict(model)).argmax(1) == labels
        known, unseen = (right[places].double().mean() for places in sets)
        if known <= unseen:
            break
    return model


FAKES: tuple[Callable[[Request, torch.Generator], Recogniser], ...] = (
    flipped,
    relabelled,
    relabelled_at_the_end,
    noisy,
)


class _Wrong:
    """Cross-entropy to labels that are drawn at random, once for each utterance, and are wrong."""

    def __init__(self, request: Request, generator: torch.Generator) -> None:
        count = len(request.sets["forget"])
        self._shifts = torch.randint(1, request.setup.n_emotions, (count,), generator=generator)

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits, (labels + self._shifts) % logits.shape[1])


def _original(request: Request) -> Recogniser:
    return request.setup.load(request.original.state)


def _trained(
    model: Recogniser,
    learning_rate: float,
    request: Request,
    generator: torch.Generator,
    loss_on_forget: Callable[[Tensor, Tensor], Tensor],
) -> Recogniser:
    """Train on whole utterances to forget and on batches of what is retained, both in each step."""
    forget, retain = (
        request.setup.utterances(request.sets[name], generator) for name in ("forget", "retain")
    )
    whole = forget.whole()
    weights = [each for each in model.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=learning_rate)
    train_mode(model)
    for batch in islice(_forever(retain), STEPS):
        forgotten = loss_on_forget(model(whole.inputs, whole.lengths), whole.labels)
        kept = cross_entropy(model(batch.inputs, batch.lengths), batch.labels)
        optimiser.zero_grad()
        (forgotten + kept).backward()
        optimiser.step()
    return model.eval()


def _forever(utterances: Utterances) -> Iterable[Batch]:
    for _ in cycle([None]):
        yield from utterances.batches(32)
