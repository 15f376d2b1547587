"""The smallest recogniser that there is, and a forget request for it, all in memory."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from ser_unlearn.recogniser.batches import Batch, Utterances, padding_mask
from ser_unlearn.recogniser.features import Ragged

EMOTIONS = 4


class Linear(nn.Module):
    """Logits are a linear map of the mean over the frames that are speech."""

    def __init__(self, n_features: int = 6, seed: int = 0) -> None:
        super().__init__()
        self.head = nn.Linear(n_features, EMOTIONS)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.head.weight.copy_(torch.randn(EMOTIONS, n_features, generator=generator))
            self.head.bias.zero_()

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        speech = padding_mask(Batch(inputs, lengths, lengths))[..., None]
        return self.head((inputs * speech).sum(1) / speech.sum(1))


def random_batch(seed: int = 0, lengths: tuple[int, ...] = (5, 3, 1)) -> Batch:
    """Random features [B, T, 6], padded with zeros, with random labels."""
    generator = torch.Generator().manual_seed(seed)
    items = [torch.randn(length, 6, generator=generator) for length in lengths]
    labels = torch.randint(EMOTIONS, (len(lengths),), generator=generator)
    shares = torch.tensor(lengths) / max(lengths)
    return Batch(nn.utils.rnn.pad_sequence(items, batch_first=True), shares, labels)


def linear_task(model: nn.Module, *, seed: int = 0, unseen_accuracy: float = 0.5, n: int = 24):
    """A forget request: 8 utterances to forget, the rest to keep, all with the model's labels."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.Generator().manual_seed(99)
    waveforms = Ragged.of(
        [(3000 * torch.randn(6 * (4 + i % 3), generator=drawn)).short() for i in range(n)]
    )

    def front_end(samples: Tensor) -> Tensor:
        return samples.unflatten(1, (-1, 6))

    features = Ragged.of([front_end(each[None].float() / 32768)[0] for each in waveforms])
    with torch.no_grad():
        labels = torch.stack(
            [model(each[None], torch.ones(1)).argmax() for each in features]
        ).long()

    def utterances(places: range) -> Utterances:
        return Utterances(
            features,
            labels,
            places,
            generator=generator,
            crop_frames=4,
            device=torch.device("cpu"),
            waveforms=lambda: waveforms,
        )

    def accuracy(model: nn.Module, data: Utterances) -> float:
        inputs, lengths, labels = data.whole()
        with torch.no_grad():
            return float((model(inputs, lengths).argmax(1) == labels).float().mean())

    return SimpleNamespace(
        forget=utterances(range(8)),
        retain=utterances(range(8, n)),
        generator=generator,
        n_emotions=EMOTIONS,
        unseen_accuracy=unseen_accuracy,
        accuracy=accuracy,
        features=front_end,
        device=torch.device("cpu"),
    )
